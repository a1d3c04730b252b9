import { FRAME_SAMPLES, type Engine, type Hypothesis } from '../../src/recognition/engine.ts';

/** A stretch of audio that was decoded, and shown as an interim or a final. */
export interface ShownStretch {
  readonly kind: 'INTERIM' | 'FINAL';
  readonly startSample: number;
  readonly endSample: number;
}

export interface BareWork {
  /** CPU time of this process, ms. */
  readonly cpuMs: number;
  /** What the detector said of each frame. */
  readonly probabilities: readonly number[];
  /** Of the finals, by `stretchKey`. */
  readonly finals: ReadonlyMap<string, Hypothesis>;
  readonly decodes: number;
}

/**
 * The engine alone, in a loop: it goes over all the audio with its detector and decodes each stretch that was shown, once. An
 * interim begins with the words of the one before, which is the cheapest way that the engine has; one that is the same stretch as a
 * final is decoded as that only. No sockets, no queue, no messages, no speculation that comes to nothing, no waiting.
 *
 * @param audio at the timeline rate.
 * @param shown in the order in which they were shown; those of an utterance begin at the same sample.
 */
export async function decodeShown(
  engine: Engine,
  audio: Float32Array,
  shown: readonly ShownStretch[],
): Promise<BareWork> {
  const finalKeys = new Set(shown.filter(({ kind }) => kind === 'FINAL').map(stretchKey));
  const before = process.cpuUsage();
  const probabilities = await detect(engine, audio);
  const finals = new Map<string, Hypothesis>();
  const decoded = new Set<string>();
  const seeds = new Map<number, unknown>();
  for (const stretch of shown) {
    const key = stretchKey(stretch);
    if (decoded.has(key)) continue;
    decoded.add(key);
    const { startSample, endSample } = stretch;
    const isFinal = finalKeys.has(key);
    const hypothesis = await engine.decode(audio.slice(startSample, endSample), {
      language: 'en',
      purpose: isFinal ? 'final' : 'interim',
      seed: isFinal ? null : seeds.get(startSample),
    });
    if (hypothesis.text !== '') seeds.set(startSample, hypothesis.seed);
    if (isFinal) finals.set(key, hypothesis);
  }
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, probabilities, finals, decodes: decoded.size };
}

export function stretchKey({ startSample, endSample }: Pick<ShownStretch, 'startSample' | 'endSample'>): string {
  return `${startSample}-${endSample}`;
}

async function detect(engine: Engine, audio: Float32Array): Promise<number[]> {
  const detector = engine.openDetector(null);
  const probabilities: number[] = [];
  for (let start = 0; start + FRAME_SAMPLES <= audio.length; start += FRAME_SAMPLES) {
    probabilities.push(await detector.probability(audio.slice(start, start + FRAME_SAMPLES)));
  }
  return probabilities;
}
