import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { wordErrors } from '../../bench/word-error-rate.ts';
import { decodeSamples } from '../../src/audio/decode.ts';
import { createResamplerTable } from '../../src/audio/resampler-table.ts';
import { Resampler } from '../../src/audio/resampler.ts';
import { parseWavHeader } from '../../src/audio/wav.ts';
import { FRAME_SAMPLES, type Engine, type SpeechDetector } from '../../src/recognition/engine.ts';
import { loadMoonshine } from '../../src/recognition/moonshine/moonshine-engine.ts';

const FINAL = { language: 'en', purpose: 'final' } as const;
const RIVER = 'the weather was beautiful this morning so we walked along the river';
const GARDEN = 'she opened the window and looked at the garden';
const MANAGER = 'i would like to speak to the manager';

/** A recording of test/fixtures as mono at the timeline rate. */
function recording(name: string): Float32Array {
  const file = readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
  const header = parseWavHeader(file, file.length);
  const end = header === null ? 0 : header.dataOffset + (header.dataLength ?? 0);
  const samples = header === null ? undefined : decodeSamples(header.format, file.subarray(header.dataOffset, end))[0];
  if (header === null || samples === undefined) throw new Error(`${name} holds no audio`);
  const resampler = new Resampler(createResamplerTable(header.format.sampleRate), { spanStartFrame: 0 });
  return Float32Array.from([...resampler.write(samples), ...resampler.flush()]);
}

/** The words of a recording of test/fixtures, with the times that its synthesiser gave them. */
function spokenWords(name: string): { word: string; startMs: number }[] {
  const table = readFileSync(new URL('../../bench/references/synthesised.tsv', import.meta.url), 'utf8');
  return table.split('\n').flatMap((line) => {
    const [file, word = '', startMs] = line.split('\t');
    return file === `test/fixtures/${name}` ? [{ word, startMs: Number(startMs) }] : [];
  });
}

function milliseconds(sample: number | null): number {
  return sample === null ? Number.NaN : sample / 16;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** White noise, -1..1, the same in each run. */
function noise(samples: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: samples }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x4000_0000 - 1;
  });
}

function sound(seconds: number, amplitudeAt: (second: number, index: number) => number): Float32Array {
  return Float32Array.from({ length: Math.round(seconds * 16_000) }, (_, i) => amplitudeAt(i / 16_000, i));
}

function frames(audio: Float32Array): Float32Array[] {
  return Array.from({ length: Math.floor(audio.length / FRAME_SAMPLES) }, (_, i) =>
    audio.subarray(i * FRAME_SAMPLES, (i + 1) * FRAME_SAMPLES),
  );
}

async function probabilities(detector: SpeechDetector, audio: Float32Array): Promise<number[]> {
  const all: number[] = [];
  for (const frame of frames(audio)) all.push(await detector.probability(frame));
  return all;
}

const hiss = noise(16_000 * 20);
const SILENCES: [name: string, audio: Float32Array][] = [
  ['nothing at all', new Float32Array(0)],
  ['20 ms of digital silence', new Float32Array(320)],
  ...[1, 5, 20].flatMap((seconds): [string, Float32Array][] => [
    [`${seconds} s of digital silence`, new Float32Array(seconds * 16_000)],
    [`${seconds} s of faint hiss`, sound(seconds, (_, i) => 0.001 * (hiss[i] ?? 0))],
    [`${seconds} s of loud hiss`, sound(seconds, (_, i) => 0.3 * (hiss[i] ?? 0))],
    [
      `${seconds} s of mains hum`,
      sound(seconds, (t) => 0.1 * Math.sin(100 * Math.PI * t) + 0.05 * Math.sin(200 * Math.PI * t)),
    ],
    [`${seconds} s of clicks`, sound(seconds, (_, i) => (i % 8000 < 20 ? 0.8 * (hiss[i] ?? 0) : 0))],
    [`${seconds} s of a tone`, sound(seconds, (t) => 0.1 * Math.sin(880 * Math.PI * t))],
  ]),
];

describe.each(['base', 'tiny'] as const)('Moonshine %s', (size) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadMoonshine({ size });
  });

  it.each([
    ['river.wav', RIVER],
    ['garden.wav', GARDEN],
    ['manager-telephone.wav', MANAGER],
  ])('hears every word of %s', async (file, sentence) => {
    const hypothesis = await engine.decode(recording(file), FINAL);
    expect(wordErrors(sentence, hypothesis.text)).toMatchObject({ substitutions: 0, deletions: 0, insertions: 0 });
    expect(hypothesis.words.map((word) => word.text).join(' ')).toBe(hypothesis.text);
  });

  it('gives the same words and confidences for the same audio, whatever else it decodes meanwhile', async () => {
    const first = await engine.decode(recording('river.wav'), FINAL);
    const [again] = await Promise.all([
      engine.decode(recording('river.wav'), FINAL),
      engine.decode(recording('garden.wav'), FINAL),
      probabilities(engine.openDetector(null), recording('garden.wav')),
    ]);
    expect(again).toEqual(first);
  });

  it('hears as much when a draft begins with the words of the one before, in fewer steps', async () => {
    const audio = recording('river.wav');
    const steps = async (seed?: unknown) => {
      let count = 0;
      const betweenSteps = () => {
        count += 1;
        return undefined;
      };
      const { text } = await engine.decode(audio, { language: 'en', purpose: 'interim', seed, betweenSteps });
      return { count, errors: wordErrors(RIVER, text) };
    };
    const before = await engine.decode(audio.slice(0, audio.length - 16_000), { language: 'en', purpose: 'interim' });
    const [alone, seeded] = [await steps(), await steps(before.seed)];
    expect(alone.errors).toMatchObject({ substitutions: 0, deletions: 0, insertions: 0 });
    expect(seeded.errors).toEqual(alone.errors);
    expect(seeded.count).toBeLessThan(alone.count - 4);
  });

  it('lets no draft help or harm a final', async () => {
    const river = await engine.decode(recording('river.wav'), FINAL);
    const garden = await engine.decode(recording('garden.wav'), FINAL);
    expect(await engine.decode(recording('garden.wav'), { ...FINAL, seed: river.seed })).toEqual(garden);
    expect(await engine.decode(recording('river.wav'), { ...FINAL, seed: river.seed })).toEqual(river);
  });

  it('ends a decode that nobody wants any more at its next step', async () => {
    let steps = 0;
    const betweenSteps = () => {
      steps += 1;
      if (steps === 3) throw new Error('cancelled');
      return undefined;
    };
    await expect(engine.decode(recording('river.wav'), { ...FINAL, betweenSteps })).rejects.toThrow('cancelled');
    expect(steps).toBe(3);
  });

  it('is sure of clear speech, and less sure of the same speech in noise', async () => {
    const clear = recording('river.wav');
    const hissLevel = 0.08;
    const garbled = clear.map((sample, i) => sample + hissLevel * (hiss[i] ?? 0));
    const clearWords = await engine.decode(clear, FINAL);
    const garbledWords = await engine.decode(garbled, FINAL);
    expect(clearWords.confidence).toBeGreaterThan(0.9);
    expect(garbledWords.words.length).toBeGreaterThan(0);
    expect(garbledWords.confidence).toBeLessThan((clearWords.confidence ?? 0) - 0.1);
    for (const { words, confidence } of [clearWords, garbledWords]) {
      const values = words.map((word) => word.confidence ?? Number.NaN);
      for (const value of values) expect(value > 0 && value <= 1).toBe(true);
      expect(confidence).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 12);
    }
  });

  it.each(SILENCES)('hears no words in %s', async (_, audio) => {
    expect(await engine.decode(audio, FINAL)).toEqual({ text: '', words: [], confidence: null });
  });

  it('lets others run while it decodes', async () => {
    let turns = 0;
    let decoding = true;
    const count = (): void => {
      turns++;
      if (decoding) setImmediate(count);
    };
    setImmediate(count);
    const { words } = await engine.decode(recording('river.wav'), FINAL);
    decoding = false;
    expect(turns).toBeGreaterThanOrEqual(words.length);
  });

  it.each(['river.wav', 'garden.wav', 'manager-telephone.wav'])(
    'knows when each word of %s was spoken',
    async (file) => {
      expect(engine.capabilities.wordTimes).toBe(true);
      const audio = recording(file);
      const { words } = await engine.decode(audio, FINAL);
      const spoken = spokenWords(file);
      expect(words).toHaveLength(spoken.length);
      const errors = words.map((word, i) => Math.abs(milliseconds(word.startSample) - (spoken[i]?.startMs ?? NaN)));
      expect(median(errors)).toBeLessThanOrEqual(60);
      for (const error of errors) expect(error).toBeLessThanOrEqual(250);
      let earliest = 0;
      for (const { startSample, endSample } of words) {
        expect(startSample).toBeGreaterThanOrEqual(earliest);
        expect(endSample).toBeGreaterThan(startSample ?? Infinity);
        earliest = endSample ?? Infinity;
      }
      expect(earliest).toBeLessThanOrEqual(audio.length);
    },
  );

  it('invents no times for a text that was cut off, nor for a draft', async () => {
    const spoken = recording('river.wav');
    const hurried = spoken.filter((_, i) => Math.floor(i / 1.8) !== Math.floor((i - 1) / 1.8));
    const cutOff = await engine.decode(hurried, FINAL);
    const draft = await engine.decode(spoken, { ...FINAL, purpose: 'interim' });
    for (const { words } of [cutOff, draft]) {
      expect(words.length).toBeGreaterThan(5);
      for (const word of words) expect(word).toMatchObject({ startSample: null, endSample: null });
    }
  });

  it('refuses other languages, and more audio than it can hear at once', async () => {
    await expect(engine.decode(recording('garden.wav'), { ...FINAL, language: 'de' })).rejects.toThrow(RangeError);
    await expect(engine.decode(new Float32Array(31 * 16_000), FINAL)).rejects.toThrow(RangeError);
  });
});

describe('the speech detector', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadMoonshine({ size: 'tiny' });
  });

  it('finds speech, and nothing in silence and hiss', async () => {
    const speech = await probabilities(engine.openDetector(null), recording('river.wav'));
    expect(speech.filter((probability) => probability > 0.5).length).toBeGreaterThan(speech.length / 2);
    for (const quiet of [new Float32Array(32_000), noise(32_000).map((sample) => sample * 0.01)]) {
      expect(Math.max(...(await probabilities(engine.openDetector(null), quiet)))).toBeLessThan(0.35);
    }
  });

  it('goes on bit for bit from what it saved, through JSON, at any frame', async () => {
    const audio = recording('river.wav');
    const undisturbed = await probabilities(engine.openDetector(null), audio);
    for (const restartFrame of [0, 1, 37, 60, undisturbed.length - 1]) {
      const before = engine.openDetector(null);
      await probabilities(before, audio.subarray(0, restartFrame * FRAME_SAMPLES));
      const saved: unknown = JSON.parse(JSON.stringify(before.save()));
      const after = engine.openDetector(saved);
      expect(after.save()).toEqual(saved);
      const rest = await probabilities(after, audio.subarray(restartFrame * FRAME_SAMPLES));
      expect(rest).toEqual(undisturbed.slice(restartFrame));
    }
  });

  it('is not disturbed by another that listens to something else', async () => {
    const audio = recording('river.wav');
    const alone = await probabilities(engine.openDetector(null), audio);
    const [together] = await Promise.all([
      probabilities(engine.openDetector(null), audio),
      probabilities(engine.openDetector(null), noise(audio.length)),
    ]);
    expect(together).toEqual(alone);
  });

  it('needs less than 2 kB to remember', async () => {
    const detector = engine.openDetector(null);
    await probabilities(detector, recording('garden.wav'));
    expect(JSON.stringify(detector.save()).length).toBeLessThan(2_000);
  });

  it('refuses a frame of the wrong length, and a state that it did not save', async () => {
    await expect(engine.openDetector(null).probability(new Float32Array(511))).rejects.toThrow(RangeError);
    for (const saved of [undefined, 7, {}, { hidden: 'AAAA', context: 'AAAA' }, { hidden: 1, context: 2 }]) {
      expect(() => engine.openDetector(saved)).toThrow(/saved detector state/);
    }
  });
});
