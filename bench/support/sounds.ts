import { PIECES_OF_MUSIC } from './music.ts';
import { randomNumbers } from './random-numbers.ts';

const RATE = 16_000;
const TURN = 2 * Math.PI;

/** Sounds without a word in them: mono, 16 kHz, of any length, the same in each run. */
export const SOUNDS_WITHOUT_SPEECH: Readonly<Record<string, (seconds: number) => Float32Array>> = {
  silence: (seconds) => new Float32Array(Math.round(seconds * RATE)),
  'white noise': whiteNoise,
  'pink noise': pinkNoise,
  'mains hum': (seconds) => inTurn(seconds, [(half) => mainsHum(half, 50), (half) => mainsHum(half, 60)]),
  clicks,
  'music without a voice': (seconds) => inTurn(seconds, PIECES_OF_MUSIC),
};

/**
 * The sound at one level after the other, again and again.
 * @param levels of its highest peak, in decibels below full scale.
 * @param everySeconds how long each level lasts.
 */
export function atLevels(sound: Float32Array, levels: readonly number[], everySeconds: number): Float32Array {
  const peak = highestPeak(sound);
  if (peak === 0) return sound;
  const gains = levels.map((level) => 10 ** (-level / 20) / peak);
  return sound.map((sample, i) => sample * (gains[Math.floor(i / (RATE * everySeconds)) % gains.length] ?? 0));
}

/** Each for its share of the time, all equally loud. */
function inTurn(seconds: number, sounds: readonly ((seconds: number) => Float32Array)[]): Float32Array {
  const all = new Float32Array(Math.round(seconds * RATE));
  const share = seconds / sounds.length;
  for (const [index, make] of sounds.entries()) {
    const sound = make(share);
    const peak = highestPeak(sound);
    const start = Math.round(index * share * RATE);
    all.set(
      sound.subarray(0, all.length - start).map((sample) => sample / peak),
      start,
    );
  }
  return all;
}

function highestPeak(sound: Float32Array): number {
  return sound.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 0);
}

function generate(seconds: number, next: (t: number) => number): Float32Array {
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => next(i / RATE));
}

function whiteNoise(seconds: number): Float32Array {
  return generate(seconds, randomNumbers(1));
}

/**
 * Equal power in each octave, by the method of R. F. Voss (M. Gardner, "White and brown music", Scientific American, 1978):
 * a sum of random numbers of which the n-th changes every 2^n samples.
 */
function pinkNoise(seconds: number): Float32Array {
  const random = randomNumbers(2);
  const rows = Array.from({ length: 14 }, random);
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => {
    const changing = Math.min(rows.length - 1, 31 - Math.clz32((i + 1) & -(i + 1)));
    rows[changing] = random();
    return rows.reduce((sum, value) => sum + value, random());
  });
}

/** With its harmonics, some of which swell and fade as loads on the mains come and go. */
function mainsHum(seconds: number, frequency: number): Float32Array {
  const harmonics = Array.from({ length: 12 }, (_, i) => i + 1);
  // One second has whole turns of all of them.
  const waves = harmonics.map((n) => generate(1, (t) => Math.sin(TURN * frequency * n * t + n) / n));
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) =>
    waves.reduce(
      (sum, wave, n) => sum + (1 + 0.5 * Math.sin((TURN * 0.1 * (n + 1) * i) / RATE)) * (wave[i % RATE] ?? 0),
      0,
    ),
  );
}

/** Crackle, and clicks like those of keys: single impulses, and short bursts that ring, at irregular times. */
function clicks(seconds: number): Float32Array {
  const random = randomNumbers(3);
  const sound = new Float32Array(Math.round(seconds * RATE));
  for (let at = 0; at < sound.length; at += Math.round(RATE * (0.12 + 0.1 * (1 + random())))) {
    const ring = 600 + 2_000 * (1 + random());
    const length = Math.round(RATE * 0.002 * (2 + random()) * 3);
    for (let i = 0; i < length && at + i < sound.length; i++) {
      sound[at + i] = Math.exp((-5 * i) / length) * (0.5 * random() + Math.sin((TURN * ring * i) / RATE));
    }
  }
  return sound;
}
