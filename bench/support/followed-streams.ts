import { setTimeout as delay } from 'node:timers/promises';
import { bytesPerFrame } from '../../src/audio/format.ts';
import { ApiConnection } from '../../src/cli/api-connection.ts';
import type { BenchmarkContext } from '../benchmark.ts';
import { joinSpeech } from './joined-speech.ts';
import { streamLive, type LiveStream } from './live-stream.ts';
import { timelineSamples } from './offline.ts';
import { withMeasuredServer, type MeasuredServer } from './server.ts';
import type { RecordedAudio, SpeechFile } from './speech.ts';

export const STREAM_SECONDS = 120;
/** Streams begin one after the other, so that their chunks don't all come at once. */
const STARTS_WITHIN_MS = 3_000;

/** Live streams that a server of their own followed at the same time. */
export interface FollowedStreams {
  /** The audio of each, at the timeline rate. */
  readonly recordings: readonly Float32Array[];
  readonly streams: readonly LiveStream[];
  readonly cpuMs: { readonly server: number; readonly recogniser: number | null; readonly clients: number };
  readonly complaints: readonly string[];
}

/**
 * Streams speech to a new server, each stream at its own pace, over a connection of its own and from another place in the recordings.
 *
 * @param processes recogniser processes of the server.
 */
export async function followStreams(
  { model, serverEntry: entry, signal }: BenchmarkContext,
  speech: readonly SpeechFile[],
  count: number,
  processes: number,
): Promise<FollowedStreams> {
  const recordings = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const first = Math.round((index * speech.length) / count);
      return beginningOf(await joinSpeech(speech, { seconds: STREAM_SECONDS, first }));
    }),
  );
  const settings = { MODEL: model, RECOGNISER_PROCESSES: String(processes) };
  return await withMeasuredServer({ entry, settings, signal }, async (server) => {
    const before = await usageOf(server);
    const streams = await Promise.all(
      recordings.map((recording, index) => follow(server, recording, (index * STARTS_WITHIN_MS) / count, signal)),
    );
    const after = await usageOf(server);
    return {
      recordings: recordings.map(timelineSamples),
      streams,
      cpuMs: {
        server: after.server - before.server,
        recogniser:
          before.recogniser === null || after.recogniser === null ? null : after.recogniser - before.recogniser,
        clients: after.clients - before.clients,
      },
      complaints: [...server.complaints],
    };
  });
}

/** All streams last as long, so that there are as many from the beginning to the end. */
function beginningOf({ format, bytes }: RecordedAudio): RecordedAudio {
  return { format, bytes: bytes.subarray(0, STREAM_SECONDS * format.sampleRate * bytesPerFrame(format)) };
}

async function follow(
  server: MeasuredServer,
  recording: RecordedAudio,
  waitMs: number,
  signal: AbortSignal,
): Promise<LiveStream> {
  const connection = await ApiConnection.open(server.address);
  await delay(waitMs, undefined, { signal });
  try {
    return await streamLive(connection, recording, signal);
  } finally {
    connection.close();
  }
}

async function usageOf(server: MeasuredServer) {
  const { user, system } = process.cpuUsage();
  const usage = await server.usage();
  return {
    server: usage.server.cpuMs,
    recogniser: usage.recognisers?.cpuMs ?? null,
    clients: (user + system) / 1000,
  };
}
