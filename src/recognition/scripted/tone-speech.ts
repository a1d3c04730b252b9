import { TONE_MS, TONE_PAUSE_MS, TONE_PITCHES, TONE_WORDS, type ToneWord } from './tone-words.ts';

/** A word, or silence of so many milliseconds. */
export type ToneSpeechPart = ToneWord | { readonly silenceMs: number };

const AMPLITUDE = 0.3 * 32_767;
/** Ms over which a tone rises and falls, so that it does not click. */
const FADE_MS = 5;

/**
 * Speech that the scripted engine understands: 16-bit mono. Words are followed by a short pause; add silence for the end
 * of an utterance.
 *
 * @param rate samples per second, 8,000 or more.
 */
export function synthesiseToneSpeech(script: readonly ToneSpeechPart[], rate: number): Int16Array {
  const parts = script.map((part) =>
    typeof part === 'string' ? synthesiseWord(part, rate) : new Int16Array(samplesOf(part.silenceMs, rate)),
  );
  const speech = new Int16Array(parts.reduce((length, part) => length + part.length, 0));
  let position = 0;
  for (const part of parts) {
    speech.set(part, position);
    position += part.length;
  }
  return speech;
}

function synthesiseWord(word: ToneWord, rate: number): Int16Array {
  const pitch = TONE_PITCHES[TONE_WORDS.indexOf(word)] ?? 0;
  const length = samplesOf(TONE_MS, rate);
  const fade = samplesOf(FADE_MS, rate);
  const samples = new Int16Array(length + samplesOf(TONE_PAUSE_MS, rate));
  for (let i = 0; i < length; i++) {
    const envelope = Math.min(1, i / fade, (length - i) / fade);
    samples[i] = Math.round(AMPLITUDE * envelope * Math.sin((2 * Math.PI * pitch * i) / rate));
  }
  return samples;
}

function samplesOf(ms: number, rate: number): number {
  return Math.round((ms * rate) / 1000);
}
