import type { HypothesisWord } from '../engine.ts';
import { TIMELINE_RATE } from '../recogniser.ts';
import { INAUDIBLE_WORD, TONE_MS, TONE_PITCHES, TONE_WORDS } from './tone-words.ts';

/** 5 ms. */
const BLOCK_SAMPLES = TIMELINE_RATE / 200;
/** Root mean square above which a block is part of a tone. */
const TONE_LEVEL = 0.05;
/** Shorter than 30 ms is a click. */
const MIN_TONE_SAMPLES = 6 * BLOCK_SAMPLES;
/** Hz around the rough pitch in which the exact one is looked for. */
const SEARCH_WIDTH = 150;
const WORD_SAMPLES = (TONE_MS * TIMELINE_RATE) / 1000;

/** The words whose tones are in the audio, in order; positions in samples from its start. */
export function decodeTones(audio: Float32Array): HypothesisWord[] {
  const words: HypothesisWord[] = [];
  for (const [start, end] of findTones(audio)) {
    const { index, purity } = strongestPitch(audio.subarray(start, end));
    const text = TONE_WORDS[index];
    if (text === undefined || text === INAUDIBLE_WORD) continue;
    // A tone that was cut or lengthened was not heard as it was spoken.
    const wholeness = Math.min(1, (end - start) / WORD_SAMPLES, WORD_SAMPLES / (end - start));
    words.push({ text, startSample: start, endSample: end, confidence: Math.min(1, purity) * wholeness });
  }
  return words;
}

/** Runs of loud blocks, as ranges of samples. */
function findTones(audio: Float32Array): [start: number, end: number][] {
  const tones: [number, number][] = [];
  let start = -1;
  for (let block = 0; block <= audio.length; block += BLOCK_SAMPLES) {
    const samples = audio.subarray(block, block + BLOCK_SAMPLES);
    const loud = samples.length > 0 && rootMeanSquare(samples) >= TONE_LEVEL;
    if (loud && start < 0) start = block;
    if (!loud && start >= 0) {
      if (block - start >= MIN_TONE_SAMPLES) tones.push([start, block]);
      start = -1;
    }
  }
  if (start >= 0 && audio.length - start >= MIN_TONE_SAMPLES) tones.push([start, audio.length]);
  return tones;
}

/** @returns the pitch with the most energy, and its share of all energy (1 for a pure tone). */
function strongestPitch(tone: Float32Array): { index: number; purity: number } {
  const estimate = pitchByZeroCrossings(tone);
  let index = 0;
  let highest = -1;
  for (const [candidate, pitch] of TONE_PITCHES.entries()) {
    if (Math.abs(pitch - estimate) > SEARCH_WIDTH) continue;
    const power = goertzelPower(tone, pitch);
    if (power > highest) {
      highest = power;
      index = candidate;
    }
  }
  let energy = 0;
  for (const sample of tone) energy += sample * sample;
  // A pure tone of n samples with energy e has the power e · n / 2.
  return { index, purity: energy === 0 ? 0 : Math.max(0, highest) / ((energy * tone.length) / 2) };
}

/** Hz; rough, to spare looking at every pitch. */
function pitchByZeroCrossings(tone: Float32Array): number {
  let crossings = 0;
  for (let i = 1; i < tone.length; i++) {
    if ((tone[i - 1] ?? 0) < 0 !== (tone[i] ?? 0) < 0) crossings += 1;
  }
  return (crossings * TIMELINE_RATE) / (2 * tone.length);
}

/** G. Goertzel, "An algorithm for the evaluation of finite trigonometric series", 1958. */
function goertzelPower(samples: Float32Array, pitch: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * pitch) / TIMELINE_RATE);
  let previous = 0;
  let beforePrevious = 0;
  for (const sample of samples) {
    const current = sample + coefficient * previous - beforePrevious;
    beforePrevious = previous;
    previous = current;
  }
  return previous * previous + beforePrevious * beforePrevious - coefficient * previous * beforePrevious;
}

export function rootMeanSquare(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
}
