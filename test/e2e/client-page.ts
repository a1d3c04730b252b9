import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const PROJECT = new URL('../../', import.meta.url);

/** What an application's page would do with the client, at the orders of a test: `recorder` is in its global scope. */
const PAGE = `<!doctype html>
<title>Recorder</title>
<script type="importmap">
  { "imports": { "graphql-ws/client": "/node_modules/graphql-ws/dist/client.js" } }
</script>
<script type="module">
  import { IndexedDbChunkStore, VerbatimClient } from '/src/client/index.ts';

  const speech = new Uint8Array(await (await fetch('/speech')).arrayBuffer());
  const client = new VerbatimClient({
    url: new URLSearchParams(location.search).get('server'),
    chunkStore: new IndexedDbChunkStore(),
    limits: { firstRetryMs: 20, longestRetryMs: 200 },
  });
  const finals = [];
  let session = null;
  const listen = (opened) => {
    session = opened;
    session.on('final', (final) => finals.push(final));
    return session.externalId;
  };
  let stopRecording = null;
  const record = async () => {
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const microphone = await navigator.mediaDevices.getUserMedia({ audio });
    const mediaRecorder = new MediaRecorder(microphone, { mimeType: 'audio/webm;codecs=opus', audioBitsPerSecond: 24_000 });
    const recording = session.audio.getWriter();
    mediaRecorder.ondataavailable = ({ data }) => void recording.write(data);
    const stopped = new Promise((resolve) => (mediaRecorder.onstop = resolve));
    mediaRecorder.start(250);
    stopRecording = async () => {
      mediaRecorder.stop();
      await stopped;
      for (const track of microphone.getTracks()) track.stop();
      await recording.close();
    };
  };
  const recorder = {
    startMicrophone: async () => {
      const audio = { encoding: 'WEBM_OPUS', sampleRate: 48_000, channels: 1 };
      const externalId = listen(await client.startSession({ audio }));
      await record();
      return externalId;
    },
    resumeMicrophone: async (externalId) => {
      listen(await client.resumeSession(externalId));
      await record();
    },
    stopMicrophone: async () => {
      await stopRecording();
      return finals;
    },
    finals: () => finals,
    id: () => session.id,
    start: async () => {
      const audio = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 };
      return listen(await client.startSession({ audio }));
    },
    resume: async (externalId) => listen(await client.resumeSession(externalId)),
    pending: async () => (await client.pendingSessions()).map(({ externalId }) => externalId),
    write: (fromMs, toMs) => {
      session.write(speech.subarray(fromMs * 32, toMs * 32));
      return session.stored();
    },
    status: () => session.status,
    end: async () => {
      await session.end();
      return finals;
    },
  };
  // Held until it is settled: the debugger through which a test waits for a promise does not keep it from being collected.
  const working = new Set();
  const held = (name) => (...args) => {
    const promise = Promise.resolve(recorder[name](...args));
    working.add(promise);
    return promise.finally(() => working.delete(promise));
  };
  globalThis.recorder = Object.fromEntries(Object.keys(recorder).map((name) => [name, held(name)]));
</script>
`;

export interface ClientPage {
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * A site of its own with a page that uses the client. Its modules are the sources, without their types: what a browser imports
 * is what is there.
 *
 * @param speech 16-bit mono at 16 kHz
 */
export async function serveClientPage(speech: Uint8Array): Promise<ClientPage> {
  const server = createServer((request, response) => {
    void answer(new URL(request.url ?? '/', 'http://localhost').pathname, speech, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(pathname: string, speech: Uint8Array, response: ServerResponse): Promise<void> {
  const respond = (type: string, body: string | Uint8Array) =>
    response.writeHead(200, { 'content-type': type }).end(body);
  if (pathname === '/') respond('text/html', PAGE);
  else if (pathname === '/speech') respond('application/octet-stream', speech);
  else if (/^\/(src\/(client|audio(\/containers)?)|node_modules\/graphql-ws\/dist)\/[\w-]+\.(ts|js)$/u.test(pathname)) {
    const source = await readFile(fileURLToPath(new URL(`.${pathname}`, PROJECT)), 'utf8');
    respond('text/javascript', pathname.endsWith('.ts') ? withoutTypes(source) : source);
  } else response.writeHead(404).end();
}

function withoutTypes(source: string): string {
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
