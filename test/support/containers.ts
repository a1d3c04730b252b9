import { readFileSync } from 'node:fs';
import { wavHeader } from '../../src/audio/wav.ts';
import type { ContainerFormat } from '../../src/audio/format.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import type { ToneWord } from '../../src/recognition/scripted/tone-words.ts';

const SENTENCES: readonly (readonly ToneWord[])[] = [
  ['alpha', 'bravo', 'charlie'],
  ['delta', 'echo', 'foxtrot', 'golf'],
  ['hotel', 'india'],
  ['juliett', 'kilo', 'lima', 'mike', 'november'],
  ['oscar', 'papa', 'quebec'],
  ['romeo', 'sierra', 'tango', 'uniform', 'victor'],
  ['whiskey', 'yankee', 'zulu'],
  ['zero', 'one', 'two', 'three', 'four', 'five'],
  ['six', 'seven', 'eight', 'nine'],
  ['ten', 'red', 'orange', 'yellow', 'green'],
  ['blue', 'violet', 'black', 'white'],
  ['north', 'east', 'south', 'west', 'spring'],
  ['summer', 'autumn', 'winter'],
];

/** What is said in the containers called "tones". */
export const TONE_SENTENCES: readonly string[] = SENTENCES.map((words) => words.join(' '));
export const TONE_RATE = 16_000;
/** 22.1 s: longer than the blocks in which containers are decoded. */
const TONE_SCRIPT: readonly ToneSpeechPart[] = SENTENCES.flatMap((words) => [...words, { silenceMs: 900 }]);

/** The samples that the containers called "tones" were made of. */
export function toneSamples(): Int16Array {
  return synthesiseToneSpeech(TONE_SCRIPT, TONE_RATE);
}

export function toneWav(): Buffer {
  const samples = toneSamples();
  const header = wavHeader({ encoding: 'PCM_S16LE', sampleRate: TONE_RATE, channels: 1 }, samples.byteLength);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}

export interface ContainerFixture {
  readonly name: string;
  readonly format: ContainerFormat;
  readonly bytes: Buffer;
}

const file = (name: string): Buffer => readFileSync(new URL(`../fixtures/containers/${name}`, import.meta.url));

/** The same recording in each container, made by the encoders that are named in the fixtures' README. */
export function toneContainers(): ContainerFixture[] {
  return [
    { name: 'WebM', format: { encoding: 'WEBM_OPUS', sampleRate: 48_000, channels: 1 }, bytes: file('tones.webm') },
    { name: 'Ogg', format: { encoding: 'OGG_OPUS', sampleRate: 48_000, channels: 1 }, bytes: file('tones.opus') },
    { name: 'FLAC', format: { encoding: 'FLAC', sampleRate: TONE_RATE, channels: 1 }, bytes: file('tones.flac') },
    { name: 'MP3', format: { encoding: 'MP3', sampleRate: TONE_RATE, channels: 1 }, bytes: file('tones.mp3') },
    { name: 'WAV', format: { encoding: 'WAV', sampleRate: TONE_RATE, channels: 1 }, bytes: toneWav() },
  ];
}

/** One second of two tones, 440 Hz on the left and 880 Hz on the right. */
export function stereoContainers(): ContainerFixture[] {
  return [
    { name: 'WebM', format: { encoding: 'WEBM_OPUS', sampleRate: 48_000, channels: 2 }, bytes: file('stereo.webm') },
    { name: 'Ogg', format: { encoding: 'OGG_OPUS', sampleRate: 48_000, channels: 2 }, bytes: file('stereo.opus') },
    { name: 'FLAC', format: { encoding: 'FLAC', sampleRate: 44_100, channels: 2 }, bytes: file('stereo.flac') },
    { name: 'MP3', format: { encoding: 'MP3', sampleRate: 44_100, channels: 2 }, bytes: file('stereo.mp3') },
  ];
}

/** As an encoder writes it that can't seek back: the header knows nothing of the length. */
export function pipedFlac(): ContainerFixture {
  return {
    name: 'FLAC from a pipe',
    format: { encoding: 'FLAC', sampleRate: TONE_RATE, channels: 1 },
    bytes: file('piped.flac'),
  };
}

/** Cut into pieces of the lengths that `next` gives. */
export function piecesOf(bytes: Uint8Array, next: () => number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + Math.max(1, next());
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
