import { readConfig } from '../src/config.ts';
import type { EndSilence } from '../src/recognition/endpointing.ts';
import type { Engine } from '../src/recognition/engine.ts';
import { describeEngine } from '../src/recognition/engines.ts';
import { TIMELINE_RATE } from '../src/recognition/recogniser.ts';
import { NO_SPEECH, type Benchmark, type BenchmarkContext, type Figure, type Outcome } from './benchmark.ts';
import { decodeShown, stretchKey, type ShownStretch } from './support/bare-engine.ts';
import { certainMoments } from './support/certain-moments.ts';
import { flickerFigures } from './support/flicker.ts';
import { followStreams, STREAM_SECONDS, type FollowedStreams } from './support/followed-streams.ts';
import { joinSpeech } from './support/joined-speech.ts';
import { CHUNK_MS, type LiveStream, type SeenSegment } from './support/live-stream.ts';
import { hearOffline, timelineSamples } from './support/offline.ts';
import { largest, percentile } from './support/percentile.ts';
import type { SpeechFile } from './support/speech.ts';

/** Of the recording by which the number of streams is chosen. */
const ESTIMATE_SECONDS = 30;
const LATEST_FINAL_MS = 1_500;
/** Backlogs of the last quarter against those of the second; they go up and down by what the finals take. */
const GROWTH_MS = 250;
/** Of what the bare engine would follow with an interim in each interval: there finals still find gaps in time. */
const FIRST_SHARE = 0.85;
const WANTED_SHARE = 0.9;
/** Samples from the beginning of an utterance to the end of its first draft. */
const FIRST_DRAFT = 0.77 * TIMELINE_RATE;
/** A recogniser process has one thread and a core for itself, here as in the bare loop. */
const PROCESSES = 1;

export const density: Benchmark = {
  name: 'density',
  about: 'as many live streams of speech as one recogniser process follows, each final within 1.5 s of its end silence',
  bareLimit:
    'the engine alone in a loop, in one process: the detector over all the audio, and each stretch once that was shown as an interim or a final',
  limitMs: 900_000,
  run,
};

/** What the bare engine says of it. */
interface Account {
  readonly bareCpuMs: number;
  readonly audioMs: number;
  readonly decodes: number;
  readonly lateness: readonly number[];
  /** Finals that the end of their stream ended, not a silence. */
  readonly endedByStream: number;
  readonly growthMs: number;
  readonly sustained: boolean;
}

interface Trial {
  readonly streams: number;
  readonly measured: FollowedStreams;
  readonly account: Account;
  /** As many the bare engine could follow with the same finals and interims. */
  readonly bareStreams: number;
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  if (context.speech === null) return NO_SPEECH;
  const config = readConfig({ MODEL: context.model });
  const engine = await describeEngine(context.model, { scriptedFaults: false }).load();
  const bareStreams = await estimateStreams(engine, context.speech, config);
  context.tell(`the bare engine would follow ${bareStreams.toFixed(1)} streams with an interim in each interval`);

  const trials = new Map<number, Trial>();
  const tried: string[] = [];
  for (let streams = Math.max(1, Math.floor(bareStreams * FIRST_SHARE)); streams > 0 && !trials.has(streams);) {
    context.tell(`${streams} streams for ${STREAM_SECONDS} s`);
    const measured = await followStreams(context, context.speech, streams, PROCESSES);
    context.tell('the same with the bare engine');
    const account = await accountFor(engine, measured, config);
    const trial = { streams, measured, account, bareStreams: (PROCESSES * account.audioMs) / account.bareCpuMs };
    trials.set(streams, trial);
    tried.push(describeTrial(trial));
    context.tell(tried.at(-1) ?? '');
    if (account.sustained && streams >= WANTED_SHARE * trial.bareStreams) break;
    streams += account.sustained ? 1 : -1;
  }
  const best = [...trials.values()]
    .filter(({ account }) => account.sustained)
    .toSorted((a, b) => b.streams - a.streams)[0];
  if (best === undefined) throw new Error(`not even one stream was followed: ${tried.join('; ')}`);
  return { kind: 'measured', figures: figuresOf(best), notes: notesOf(context, tried, best.measured) };
}

/** Streams that the engine could follow with an interim in each interval, were it never late and never idle. */
async function estimateStreams(
  engine: Engine,
  speech: readonly SpeechFile[],
  settings: EndSilence & { readonly interimIntervalMs: number },
): Promise<number> {
  const audio = timelineSamples(await joinSpeech(speech, { seconds: ESTIMATE_SECONDS }));
  const interval = (settings.interimIntervalMs * TIMELINE_RATE) / 1000;
  const utterances = await hearOffline(engine, audio, settings);
  const shown = utterances.flatMap(({ startSample, endSample }): ShownStretch[] => {
    const drafts = interval > 0 ? Math.max(0, Math.ceil((endSample - startSample - FIRST_DRAFT) / interval)) : 0;
    return [
      ...Array.from({ length: drafts }, (_, index): ShownStretch => {
        return { kind: 'INTERIM', startSample, endSample: startSample + FIRST_DRAFT + index * interval };
      }),
      { kind: 'FINAL', startSample, endSample },
    ];
  });
  const { cpuMs } = await decodeShown(engine, audio, shown);
  return (audio.length * 1000) / TIMELINE_RATE / cpuMs;
}

async function accountFor(
  engine: Engine,
  { recordings, streams }: FollowedStreams,
  endSilence: EndSilence,
): Promise<Account> {
  let bareCpuMs = 0;
  let audioMs = 0;
  let decodes = 0;
  let endedByStream = 0;
  const lateness: number[] = [];
  for (const [index, stream] of streams.entries()) {
    const shown = stream.segments.filter(({ text }) => text !== '').map(toStretch);
    const work = await decodeShown(engine, recordings[index] ?? new Float32Array(0), shown);
    bareCpuMs += work.cpuMs;
    audioMs += stream.audioMs;
    decodes += work.decodes;
    const certain = certainMoments(work.probabilities, endSilence, work.finals);
    for (const segment of stream.segments) {
      if (segment.kind !== 'FINAL') continue;
      const sample = certain.get(stretchKey(toStretch(segment)));
      const sent =
        sample === undefined ? undefined : stream.sentMs[Math.ceil((sample * 1000) / TIMELINE_RATE / CHUNK_MS) - 1];
      if (sent === undefined) endedByStream += 1;
      else lateness.push(segment.seenMs - sent);
    }
  }
  const growthMs = meanBacklog(streams, 3) - meanBacklog(streams, 1);
  const sustained = (largest(lateness) ?? Infinity) <= LATEST_FINAL_MS && growthMs <= GROWTH_MS;
  return { bareCpuMs, audioMs, decodes, lateness, endedByStream, growthMs, sustained };
}

function toStretch({ kind, startMs, endMs }: SeenSegment): ShownStretch {
  // Utterances begin and end with the detector's frames, which are whole milliseconds.
  return { kind, startSample: (startMs * TIMELINE_RATE) / 1000, endSample: (endMs * TIMELINE_RATE) / 1000 };
}

/** Over all streams, in one quarter (0 to 3) of their time; ms. */
function meanBacklog(streams: readonly LiveStream[], quarter: number): number {
  const backlogs = streams.flatMap(({ backlogsMs }) =>
    backlogsMs.slice((backlogsMs.length * quarter) / 4, (backlogsMs.length * (quarter + 1)) / 4),
  );
  return backlogs.reduce((sum, backlog) => sum + backlog, 0) / backlogs.length;
}

function figuresOf({ streams, measured, account, bareStreams }: Trial): Figure[] {
  const { streams: live, cpuMs } = measured;
  const { bareCpuMs, audioMs, lateness, growthMs } = account;
  const perSecond = (ms: number | null) => (ms === null ? null : (ms * 1000) / audioMs);
  const interims = live.flatMap(interimPauses);
  return [
    {
      what: 'live streams, for one recogniser process',
      unit: 'streams',
      ours: streams,
      bareLimit: bareStreams,
      target: { of: 'ratio', atLeast: WANTED_SHARE },
    },
    { what: 'final after its end silence, p50', unit: 'ms', ours: percentile(lateness, 0.5) },
    { what: 'final after its end silence, p95', unit: 'ms', ours: percentile(lateness, 0.95) },
    {
      what: 'final after its end silence, largest',
      unit: 'ms',
      ours: largest(lateness),
      target: { of: 'ours', atMost: LATEST_FINAL_MS },
    },
    {
      what: 'backlog, last quarter less second quarter',
      unit: 'ms',
      ours: growthMs,
      target: { of: 'ours', atMost: GROWTH_MS },
    },
    { what: 'pause between versions of an utterance, p50', unit: 'ms', ours: percentile(interims, 0.5) },
    { what: 'pause between versions of an utterance, p95', unit: 'ms', ours: percentile(interims, 0.95) },
    {
      what: 'CPU of the recogniser process, per second of audio',
      unit: 'cpu ms per s',
      ours: perSecond(cpuMs.recogniser),
      bareLimit: perSecond(bareCpuMs),
    },
    { what: 'CPU of the server process, per second of audio', unit: 'cpu ms per s', ours: perSecond(cpuMs.server) },
    {
      what: 'CPU of the clients that measure, per second of audio',
      unit: 'cpu ms per s',
      ours: perSecond(cpuMs.clients),
    },
    ...flickerFigures(live.map(({ segments }) => segments)),
  ];
}

/** Between what a reader sees of one utterance. */
function interimPauses({ segments }: LiveStream): number[] {
  const latest = new Map<string, number>();
  return segments.flatMap(({ id, seenMs }) => {
    const before = latest.get(id);
    latest.set(id, seenMs);
    return before === undefined ? [] : [seenMs - before];
  });
}

function describeTrial({ streams, account, bareStreams }: Trial): string {
  const { lateness, endedByStream, growthMs, sustained, decodes } = account;
  const late = lateness.filter((ms) => ms > LATEST_FINAL_MS).length;
  const latest = (largest(lateness) ?? 0).toFixed(0);
  return `${streams} streams: ${sustained ? 'sustained' : 'not sustained'}; ${lateness.length} finals, ${late} later than ${LATEST_FINAL_MS} ms, the latest ${latest} ms; ${endedByStream} others were ended by their stream's end; ${decodes} stretches were shown, with which the bare engine would follow ${bareStreams.toFixed(1)} streams; backlog grew by ${growthMs.toFixed(0)} ms`;
}

function notesOf({ model }: BenchmarkContext, tried: readonly string[], { complaints }: FollowedStreams): string[] {
  return [
    `model ${model}, ${STREAM_SECONDS} s of speech for each stream in chunks of ${CHUNK_MS} ms; server, clients and recogniser share the machine, the bare engine has it to itself`,
    'the bare limit: streams whose shown interims and finals the engine could decode in real time, by the CPU time that these take it alone; interims that were left out under load are not in it',
    'a final: from the moment the chunk was sent that holds the last sample of the end silence, to its arrival at a subscriber',
    ...tried,
    ...complaints.map((line) => `logged: ${line}`),
  ];
}
