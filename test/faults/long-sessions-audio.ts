import { MULAW_AMPLITUDES } from '../../src/audio/g711.ts';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { TONE_WORDS } from '../../src/recognition/scripted/tone-words.ts';

/** Telephone audio: the least bytes for an hour. */
export const FORMAT = { encoding: 'MULAW', sampleRate: 8_000, channels: 1 } as const;
/** One utterance a minute, which says the number of the minute in three words. */
export const BLOCK_MS = 60_000;

/** Where the words begin: 128 timeline samples into detector frame 160 of the block, of which each has 512. */
const FIRST_WORD_FRAME = (160 * 512 + 128) / 2;
/** An utterance begins 8 detector frames of 32 ms before the one in which speech begins; a block has 1,875 of them. */
const UTTERANCE_START_MS = (160 - 8) * 32;
const BLOCK_BYTES = (BLOCK_MS * FORMAT.sampleRate) / 1000;
/** The last words of the list misbehave, or are not heard. */
const WORDS = TONE_WORDS.slice(0, 60);
/** Of silence. */
const MULAW_ZERO = 0xff;

/** What is said in a block; other words in each, for more than 100,000 of them. */
export function textOfBlock(block: number): string {
  return wordsOfBlock(block).join(' ');
}

/** Where the final of a block begins, in milliseconds. */
export function startOfBlock(block: number): number {
  return block * BLOCK_MS + UTTERANCE_START_MS;
}

/** The audio of a block. */
export function audioOfBlock(block: number): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES, MULAW_ZERO);
  let at = FIRST_WORD_FRAME;
  for (const word of wordsOfBlock(block)) at += spoken(word).copy(bytes, at);
  return bytes;
}

function wordsOfBlock(block: number) {
  return [0, 1, 2].map((place) => WORDS[Math.floor(block / WORDS.length ** place) % WORDS.length] ?? 'alpha');
}

const SPOKEN = new Map<string, Buffer>();

function spoken(word: (typeof TONE_WORDS)[number]): Buffer {
  const known = SPOKEN.get(word);
  if (known !== undefined) return known;
  const bytes = Buffer.from(Array.from(synthesiseToneSpeech([word], FORMAT.sampleRate), mulaw));
  SPOKEN.set(word, bytes);
  return bytes;
}

/** The byte whose amplitude is nearest. */
function mulaw(sample: number): number {
  let nearest = MULAW_ZERO;
  for (const [byte, amplitude] of MULAW_AMPLITUDES.entries()) {
    if (Math.abs(amplitude - sample) < Math.abs((MULAW_AMPLITUDES[nearest] ?? 0) - sample)) nearest = byte;
  }
  return nearest;
}
