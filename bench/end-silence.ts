import { Endpointer, FRAME_MS, type EndpointEvent, type EndSilence } from '../src/recognition/endpointing.ts';
import { cutBetweenWords } from '../src/recognition/cut-between-words.ts';
import { FRAME_SAMPLES, type Engine, type Hypothesis } from '../src/recognition/engine.ts';
import { describeEngine } from '../src/recognition/engines.ts';
import { isSentenceOver } from '../src/recognition/sentence-end.ts';
import { NO_SPEECH, type Benchmark, type BenchmarkContext, type Figure, type Outcome } from './benchmark.ts';
import { cutClips, joinClips, type Clip } from './support/joined-clips.ts';
import { speechProbabilities, timelineSamples } from './support/offline.ts';
import { randomNumbers } from './support/random-numbers.ts';
import { readRecording } from './support/speech.ts';
import { alignedRecordings, type TimedRecording } from './support/word-references.ts';
import { addErrors, wordErrorRate, wordErrors, type WordErrors } from './word-error-rate.ts';

const ADAPTIVE: EndSilence = { sentenceEndSilenceMs: 448, endSilenceMs: 992 };
const FIXED_MS = [448, 512, 704, 832, 992];
/** Voices by which nothing was chosen but the confidence that a sentence's end needs. */
const OTHER_VOICES = /^(?:ls-2414|ls-3080|ls-61|jfk|beckett|spont)/u;
/** Where speakers stop to think: pauses between words in the middle of sentences. */
const PAUSES_MS = [300, 450, 600, 800, 1_100] as const;
/** The recording's own silence between words at which one of those may stand. */
const GAP_MS = 60;
const PAD_MS = 160;
/** Samples of silence at the end, so that the last utterance ends by it. */
const FINAL_PAUSE = 2 * 16_000;

export const endSilence: Benchmark = {
  name: 'end-silence',
  about: 'words and waiting with an end silence that depends on the words, against fixed ones',
  limitMs: 300_000,
  run,
};

async function run({ model, speech, signal, tell }: BenchmarkContext): Promise<Outcome> {
  const recordings = (await alignedRecordings(speech ?? [])).filter(({ file }) => OTHER_VOICES.test(file));
  if (recordings.length === 0) return NO_SPEECH;
  const engine = await describeEngine(model, { scriptedFaults: false }).load();
  const settings: readonly (readonly [string, EndSilence])[] = [
    ['448 or 992 ms', ADAPTIVE],
    ...FIXED_MS.map((ms) => [`fixed ${ms} ms`, { endSilenceMs: ms }] as const),
  ];
  const errors = new Map<string, WordErrors[]>();
  const waits = new Map<string, number[]>();
  for (const recording of recordings) {
    signal.throwIfAborted();
    tell(recording.file);
    const hear = hearer(engine, await hesitant(recording));
    const said = recording.words.map(({ text }) => text).join(' ');
    for (const [name, setting] of settings) {
      const { text, waitsMs } = await hear(setting);
      errors.set(name, [...(errors.get(name) ?? []), wordErrors(said, text)]);
      waits.set(name, [...(waits.get(name) ?? []), ...waitsMs]);
    }
  }
  const rows = settings.map(([name]) => ({
    name,
    rate: wordErrorRate(addErrors(errors.get(name) ?? [])),
    waitMs: mean(waits.get(name) ?? []),
    utterances: waits.get(name)?.length ?? 0,
  }));
  const [adaptive, ...fixed] = rows;
  return {
    kind: 'measured',
    figures: [
      {
        what: 'word error rate, against a fixed silence of the same mean (interpolated)',
        unit: 'percent',
        ours: adaptive?.rate ?? null,
        bareLimit: interpolated(fixed, adaptive?.waitMs ?? NaN),
        target: { of: 'ratio', atMost: 1 },
      },
      ...rows.flatMap(({ name, rate, waitMs, utterances }): Figure[] => [
        { what: `${name}: word error rate`, unit: 'percent', ours: rate },
        { what: `${name}: silence until an utterance ends, mean`, unit: 'ms', ours: waitMs },
        { what: `${name}: utterances`, unit: 'count', ours: utterances },
      ]),
    ],
    notes: [
      `model ${model}; ${recordings.length} recordings of voices that had no say in the lengths, with pauses of ${PAUSES_MS.join(', ')} ms in turn put where a sentence has ${GAP_MS} ms of silence`,
      'silence: from the last voiced frame to the moment at which the utterance is certain to be over; by it a final comes later',
    ],
  };
}

/** The recording as if its speaker had to think now and then. */
async function hesitant(recording: TimedRecording): Promise<Float32Array> {
  const audio = timelineSamples(await readRecording(recording));
  const clips: Clip[] = cutClips(audio, recording.words, {
    leastWords: 3,
    mostWords: 8,
    leastGapMs: GAP_MS,
    roomMs: 100,
    random: randomNumbers(6),
  });
  const pausesMs = clips.map((_, index) => PAUSES_MS[index % PAUSES_MS.length] ?? 0);
  const { samples } = joinClips(clips, pausesMs, { amplitude: 0.0005, random: randomNumbers(7) });
  const all = new Float32Array(samples.length + FINAL_PAUSE);
  all.set(samples);
  return all;
}

/** Hears one recording with one setting after the other; what was decoded once is remembered. */
function hearer(engine: Engine, audio: Float32Array) {
  const known = new Map<string, Promise<Hypothesis>>();
  const sampleOf = (frame: number) => Math.min(audio.length, frame * FRAME_SAMPLES);
  const decode = (startFrame: number, endFrame: number): Promise<Hypothesis> => {
    const key = `${startFrame}-${endFrame}`;
    const decoded =
      known.get(key) ??
      engine.decode(audio.slice(sampleOf(startFrame), sampleOf(endFrame)), { language: 'en', purpose: 'final' });
    known.set(key, decoded);
    return decoded;
  };
  const probabilities = speechProbabilities(engine, audio);
  return async (setting: EndSilence): Promise<{ text: string; waitsMs: readonly number[] }> => {
    const endpointer = new Endpointer(setting);
    const texts: string[] = [];
    const waitsMs: number[] = [];
    const take = async (events: readonly EndpointEvent[]): Promise<void> => {
      for (const event of events) {
        if (event.kind === 'questioned' && isSentenceOver(await decode(event.startFrame, event.endFrame))) {
          await take(endpointer.endHere());
        }
        if (event.kind === 'overlong') await take(endpointer.cutAt(await cutBetweenWords(endpointer, event, decode)));
        if (event.kind !== 'ended' && event.kind !== 'cut') continue;
        if (event.kind === 'ended') waitsMs.push((endpointer.position - event.endFrame) * FRAME_MS + PAD_MS);
        texts.push((await decode(event.startFrame, event.endFrame)).text);
      }
    };
    for (const probability of await probabilities) await take(endpointer.hear(probability));
    await take(endpointer.flush());
    return { text: texts.join(' '), waitsMs };
  };
}

/** The rate that a fixed silence would have that waits so long; `null` beyond those that were measured. */
function interpolated(
  fixed: readonly { readonly rate: number | null; readonly waitMs: number | null }[],
  waitMs: number,
): number | null {
  for (const [index, longer] of fixed.entries()) {
    const shorter = fixed[index - 1];
    if (shorter === undefined || shorter.rate === null || shorter.waitMs === null) continue;
    if (longer.rate === null || longer.waitMs === null) continue;
    if (waitMs < shorter.waitMs || waitMs > longer.waitMs) continue;
    const share = (waitMs - shorter.waitMs) / (longer.waitMs - shorter.waitMs);
    return shorter.rate + share * (longer.rate - shorter.rate);
  }
  return null;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
