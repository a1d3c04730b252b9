import { bytesPerFrame } from '../src/audio/format.ts';
import { ApiConnection } from '../src/cli/api-connection.ts';
import { NO_SPEECH, type Benchmark, type BenchmarkContext, type Figure, type Outcome } from './benchmark.ts';
import { streamLive, type LiveStream } from './support/live-stream.ts';
import { largest, percentile } from './support/percentile.ts';
import { withMeasuredServer } from './support/server.ts';
import { readRecording, type RecordedAudio, type SpeechFile } from './support/speech.ts';

/** What is streamed of a recording at most: enough for some ten utterances. */
const MAX_SECONDS = 75;
const MIB = 1024 * 1024;

export const streamCost: Benchmark = {
  name: 'stream-cost',
  about: 'one live stream of speech: CPU time, memory, and how soon words come',
  limitMs: 240_000,
  run,
};

async function run(context: BenchmarkContext): Promise<Outcome> {
  const file = context.speech === null ? null : chooseRecording(context.speech);
  if (file === null) return NO_SPEECH;
  const recording = beginningOf(await readRecording(file));
  const settings = { MODEL: context.model, RECOGNISER_PROCESSES: '1' };
  const { serverEntry: entry, signal } = context;
  return await withMeasuredServer({ entry, settings, signal }, async (server) => {
    const connection = await ApiConnection.open(server.address);
    context.tell(`streaming ${file.file} at its own pace`);
    const before = await server.usage();
    const stream = await streamLive(connection, recording, signal);
    const after = await server.usage();
    connection.close();

    const perSecond = (cpuMs: number) => cpuMs / (stream.audioMs / 1000);
    const recogniserMs =
      before.recognisers && after.recognisers ? after.recognisers.cpuMs - before.recognisers.cpuMs : null;
    const figures: Figure[] = [
      {
        what: 'CPU of the server process, per second of audio',
        unit: 'cpu ms per s',
        ours: perSecond(after.server.cpuMs - before.server.cpuMs),
      },
      {
        what: 'CPU of the recogniser process, per second of audio',
        unit: 'cpu ms per s',
        ours: recogniserMs === null ? null : perSecond(recogniserMs),
      },
      ...latencies(stream),
      { what: 'event-loop delay of the server, p99', unit: 'ms', ours: after.server.loopDelayMs.p99 },
      { what: 'memory of the server process (RSS)', unit: 'MiB', ours: after.server.residentBytes / MIB },
      {
        what: 'memory of the recogniser process (RSS)',
        unit: 'MiB',
        ours: after.recognisers?.residentBytes[0] === undefined ? null : after.recognisers.residentBytes[0] / MIB,
      },
    ];
    const finals = stream.segments.filter(({ kind }) => kind === 'FINAL');
    if (context.details) tellSegments(stream, context);
    const notes = [
      `model ${context.model}, ${(stream.audioMs / 1000).toFixed(1)} s of ${file.file}: ${finals.length} finals, ${stream.segments.length - finals.length} interims, backlog at most ${largest(stream.backlogsMs)} ms`,
      'times are from the moment at which the sample would have been spoken, with the 100 ms a chunk takes to fill; an utterance begins up to 256 ms before and ends 160 ms after its speech',
      ...server.complaints.map((line) => `logged: ${line}`),
    ];
    return { kind: 'measured', figures, notes };
  });
}

/** How long after the end of its audio a final came, and after the beginning of its utterance the first interim. */
function latencies({ segments, endedMs }: LiveStream): Figure[] {
  const finals = segments.filter(({ kind, seenMs }) => kind === 'FINAL' && seenMs < endedMs);
  const afterEnd = finals.map(({ seenMs, endMs }) => seenMs - endMs);
  const firstInterims = new Map<string, number>();
  for (const { id, kind, seenMs, startMs } of segments) {
    if (kind === 'INTERIM' && !firstInterims.has(id)) firstInterims.set(id, seenMs - startMs);
  }
  const afterStart = [...firstInterims.values()];
  return [
    { what: 'final after the end of its utterance, p50', unit: 'ms', ours: percentile(afterEnd, 0.5) },
    { what: 'final after the end of its utterance, p95', unit: 'ms', ours: percentile(afterEnd, 0.95) },
    { what: 'final after the end of its utterance, largest', unit: 'ms', ours: largest(afterEnd) },
    { what: 'first interim after the start of its utterance, p50', unit: 'ms', ours: percentile(afterStart, 0.5) },
    { what: 'first interim after the start of its utterance, p95', unit: 'ms', ours: percentile(afterStart, 0.95) },
  ];
}

function tellSegments({ segments }: LiveStream, { tell }: BenchmarkContext): void {
  for (const { kind, startMs, endMs, seenMs, text } of segments) {
    tell(`${kind.padEnd(7)} ${startMs}–${endMs} ms, seen at ${seenMs.toFixed(0)} ms: ${text}`);
  }
}

/** The shortest recording that fills the time, else the longest that there is. */
function chooseRecording(speech: readonly SpeechFile[]): SpeechFile | null {
  const byLength = speech.toSorted((a, b) => a.seconds - b.seconds);
  return byLength.find(({ seconds }) => seconds >= MAX_SECONDS) ?? byLength.at(-1) ?? null;
}

function beginningOf({ format, bytes }: RecordedAudio): RecordedAudio {
  return { format, bytes: bytes.subarray(0, MAX_SECONDS * format.sampleRate * bytesPerFrame(format)) };
}
