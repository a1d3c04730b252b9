import { createRoot } from 'react-dom/client';
import { Provider as ApiProvider } from 'urql';
import { IndexedDbChunkStore, MemoryChunkStore, VerbatimClient } from '../../src/client/index.ts';
import { createApiClient } from './api/client.ts';
import { ServerProvider } from './api/context.ts';
import { Server } from './api/server.ts';
import { App } from './app.tsx';
import { preloadPages } from './pages.ts';
import { RecordingProvider } from './recording/context.ts';
import { FileTranscription } from './recording/file-transcription.ts';
import { Recorder } from './recording/recorder.ts';

/** The first page has asked for its data by then. */
const PRELOAD_AFTER_MS = 1_000;

const server = new Server();
const api = createApiClient(server);
const address = { url: location.origin, token: () => server.token };
const kept = new IndexedDbChunkStore();
const recording = {
  recorder: new Recorder(new VerbatimClient({ ...address, chunkStore: kept }), kept, () => server.noteRefusedToken()),
  file: new FileTranscription(new VerbatimClient({ ...address, chunkStore: new MemoryChunkStore() })),
};

const root = document.querySelector('#app');
if (root === null) throw new Error('The page has no place for the app');
createRoot(root).render(
  <ServerProvider value={server}>
    <ApiProvider value={api}>
      <RecordingProvider value={recording}>
        <App />
      </RecordingProvider>
    </ApiProvider>
  </ServerProvider>,
);

// After what the page at hand needs.
addEventListener('load', () => setTimeout(preloadPages, PRELOAD_AFTER_MS));
