import { AudioFile } from '../../src/cli/audio-file.ts';
import { transcribeFile } from '../../src/cli/transcribe-file.ts';
import type { Segment } from '../../src/client/segments.ts';
import type { BenchmarkContext } from '../benchmark.ts';
import { forEachOf } from './for-each-of.ts';
import type { MeasuredServer } from './server.ts';

/** Enough to keep the recogniser busy while a session starts or ends, and no more than a busy machine admits. */
const SESSIONS_AT_A_TIME = 2;

/**
 * Sends each file as a session of its own, as fast as the server takes it.
 * @returns the finals of each, in order, and what had to be tried again.
 */
export async function hearSpeech(
  files: readonly { readonly file: string; readonly path: string }[],
  server: MeasuredServer,
  { tell, signal }: Pick<BenchmarkContext, 'tell' | 'signal'>,
): Promise<{ finals: ReadonlyMap<string, readonly Segment[]>; setbacks: readonly string[] }> {
  const finals = new Map<string, readonly Segment[]>();
  const setbacks: string[] = [];
  await forEachOf(files, SESSIONS_AT_A_TIME, async ({ file, path }) => {
    signal.throwIfAborted();
    const audio = await AudioFile.open(path);
    const heard: Segment[] = [];
    try {
      await transcribeFile(
        server.address,
        audio,
        { externalId: file, title: null, language: 'en', speed: Infinity },
        {
          onSegment: (segment) => {
            if (segment.kind === 'FINAL') heard.push(segment);
          },
          onProgress: () => undefined,
          onSetback: ({ message }) => setbacks.push(`${file}: ${message}`),
        },
        signal,
      );
    } finally {
      await audio.close();
    }
    finals.set(file, heard);
    if (finals.size % 10 === 0) tell(`${finals.size} of ${files.length} files`);
  });
  return { finals, setbacks };
}
