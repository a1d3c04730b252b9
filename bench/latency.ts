import { ApiConnection } from '../src/cli/api-connection.ts';
import { readConfig } from '../src/config.ts';
import { describeEngine } from '../src/recognition/engines.ts';
import { NO_SPEECH, type Benchmark, type BenchmarkContext, type Figure, type Outcome } from './benchmark.ts';
import { decideUtterances, type DecidedUtterance } from './support/decided-utterances.ts';
import { flickerFigures } from './support/flicker.ts';
import { joinSpeech } from './support/joined-speech.ts';
import { CHUNK_MS, streamLive, type LiveStream } from './support/live-stream.ts';
import { largest, percentile } from './support/percentile.ts';
import { withMeasuredServer } from './support/server.ts';

/** Some twenty utterances. */
const STREAM_SECONDS = 110;
/** Longer ones are decoded for longer than a silence lasts. */
const SHORT_UTTERANCE_MS = 10_000;

export const latency: Benchmark = {
  name: 'latency',
  about: 'one live stream of mixed speech: how soon interims and finals come, and how words change',
  limitMs: 240_000,
  run,
};

async function run(context: BenchmarkContext): Promise<Outcome> {
  if (context.speech === null) return NO_SPEECH;
  const recording = await joinSpeech(context.speech, { seconds: STREAM_SECONDS });
  const { endSilenceMs, sentenceEndSilenceMs } = readConfig({ MODEL: context.model });
  context.tell('hearing it without a server first, to know when each utterance is over');
  const engine = await describeEngine(context.model, { scriptedFaults: false }).load();
  const decided = await decideUtterances(engine, recording, { endSilenceMs, sentenceEndSilenceMs });

  const settings = { MODEL: context.model, RECOGNISER_PROCESSES: '1' };
  const { serverEntry: entry, signal } = context;
  return await withMeasuredServer({ entry, settings, signal }, async (server) => {
    const connection = await ApiConnection.open(server.address);
    context.tell('streaming at its own pace');
    const stream = await streamLive(connection, recording, signal);
    connection.close();
    const { figures, misses } = latencies(stream, decided, context);
    return {
      kind: 'measured',
      figures: [...figures, ...flickerFigures([stream.segments])],
      notes: [
        `model ${context.model}, ${(stream.audioMs / 1000).toFixed(1)} s of speech in chunks of ${CHUNK_MS} ms, ${decided.length} utterances, end silence ${sentenceEndSilenceMs} ms after sentences, else ${endSilenceMs} ms`,
        `a final: from the moment the chunk was sent that holds the last sample of the end silence, to its arrival at a subscriber; that sample waited up to ${CHUNK_MS} ms for its chunk to be full, which is the client's choice and not counted`,
        `a first interim: from the first voiced frame of its utterance, so with the ${CHUNK_MS} ms that a chunk takes to fill`,
        'changed words: of two versions of a segment that follow on each other, and of what had become stable (`stableLength`) against the final, by the words of the cheapest alignment',
        ...misses,
        ...server.complaints.map((line) => `logged: ${line}`),
      ],
    };
  });
}

function latencies(
  { segments, sentMs, endedMs }: LiveStream,
  decided: readonly DecidedUtterance[],
  { details, tell }: BenchmarkContext,
): { figures: Figure[]; misses: string[] } {
  const short: number[] = [];
  const long: number[] = [];
  const firstInterims: number[] = [];
  const misses: string[] = [];
  let withoutInterim = 0;
  for (const utterance of decided) {
    const final = segments.find(({ kind, startMs }) => kind === 'FINAL' && startMs === utterance.startMs);
    if (final?.endMs !== utterance.endMs || final.text !== utterance.text) {
      misses.push(`the utterance at ${utterance.startMs} ms came out differently from the server`);
      continue;
    }
    if (final.seenMs >= endedMs) continue;
    const lastChunk = Math.ceil(utterance.certainMs / CHUNK_MS) - 1;
    const lateness = final.seenMs - (sentMs[lastChunk] ?? Infinity);
    const lengthMs = utterance.endMs - utterance.startMs;
    (lengthMs < SHORT_UTTERANCE_MS ? short : long).push(lateness);
    const interim = segments.find(({ id, kind }) => kind === 'INTERIM' && id === final.id);
    if (interim === undefined) withoutInterim += 1;
    else firstInterims.push(interim.seenMs - utterance.speechMs);
    if (details) {
      const first = interim === undefined ? 'none' : `${(interim.seenMs - utterance.speechMs).toFixed(0)} ms`;
      tell(`${utterance.startMs}, ${lengthMs} ms long: final ${lateness.toFixed(0)} ms, first interim ${first}`);
    }
  }
  if (short.length === 0) throw new Error('no utterance of the recording could be measured');
  const final = 'final after its end silence';
  const figures: Figure[] = [
    {
      what: `${final}, under 10 s, p50`,
      unit: 'ms',
      ours: percentile(short, 0.5),
      target: { of: 'ours', atMost: 50 },
    },
    {
      what: `${final}, under 10 s, p95`,
      unit: 'ms',
      ours: percentile(short, 0.95),
      target: { of: 'ours', atMost: 150 },
    },
    { what: `${final}, under 10 s, largest`, unit: 'ms', ours: largest(short) },
    { what: `${final}, longer ones, p50`, unit: 'ms', ours: percentile(long, 0.5) },
    { what: 'first interim after speech began, p50', unit: 'ms', ours: percentile(firstInterims, 0.5) },
    {
      what: 'first interim after speech began, p95',
      unit: 'ms',
      ours: percentile(firstInterims, 0.95),
      target: { of: 'ours', atMost: 1_000 },
    },
    { what: 'utterances without an interim', unit: 'count', ours: withoutInterim },
  ];
  return { figures, misses };
}
