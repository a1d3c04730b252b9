import type { AudioEncoding, AudioFormat } from '../../../src/audio/format.ts';
import { bytesPerFrame, msToFrames } from '../../../src/audio/format.ts';
import { ALAW_AMPLITUDES, MULAW_AMPLITUDES } from '../../../src/audio/g711.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../../src/recognition/scripted/tone-speech.ts';
import { INAUDIBLE_WORD, TONE_WORDS } from '../../../src/recognition/scripted/tone-words.ts';
import type { Random } from './random.ts';

/** What a client sends under one sequence number. */
export type RecordingItem =
  { readonly kind: 'chunk'; readonly bytes: Buffer } | { readonly kind: 'skip'; readonly durationMs: number };

/** Something said, cut into chunks once and for all: sent again, a number names the same bytes. */
export interface Recording {
  readonly name: string;
  /** What is said in it. */
  readonly text: string;
  readonly format: AudioFormat;
  readonly items: readonly RecordingItem[];
}

const FORMATS: readonly AudioFormat[] = [
  { encoding: 'MULAW', sampleRate: 8_000, channels: 1 },
  { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 },
  { encoding: 'PCM_S16LE', sampleRate: 44_100, channels: 1 },
  { encoding: 'PCM_F32LE', sampleRate: 48_000, channels: 1 },
  { encoding: 'ALAW', sampleRate: 8_000, channels: 1 },
];

/** One in each format, of 5 to 9 utterances of 1 to 4 words each. */
export function makeRecordings(random: Random): Recording[] {
  return FORMATS.map((format) => {
    const name = `${format.encoding} at ${format.sampleRate} Hz`;
    return makeRecording(random.fork(name), name, format);
  });
}

function makeRecording(random: Random, name: string, format: AudioFormat): Recording {
  const items: RecordingItem[] = [];
  const said: string[] = [];
  const utterances = random.integer(5, 9);
  for (let utterance = 0; utterance < utterances; utterance++) {
    const words = Array.from({ length: random.integer(1, 4) }, () => random.pick(TONE_WORDS));
    const parts: ToneSpeechPart[] = [...words, { silenceMs: random.integer(350, 700) }];
    said.push(...words.filter((word) => word !== INAUDIBLE_WORD));
    items.push(...cut(random, encode(format.encoding, synthesiseToneSpeech(parts, format.sampleRate)), format));
    if (random.chance(0.15)) items.push({ kind: 'skip', durationMs: random.integer(1, 1_500) });
  }
  return { name, text: said.join(' '), format, items };
}

/** Mostly 40 to 200 ms, in any number of frames; sometimes a few frames only. */
function cut(random: Random, bytes: Buffer, format: AudioFormat): RecordingItem[] {
  const chunks: RecordingItem[] = [];
  const framesIn = (ms: number) => Math.round((ms * format.sampleRate) / 1000);
  for (let position = 0; position < bytes.length;) {
    const frames = random.chance(0.05) ? random.integer(1, 5) : random.integer(framesIn(40), framesIn(200));
    const end = Math.min(bytes.length, position + frames * bytesPerFrame(format));
    chunks.push({ kind: 'chunk', bytes: bytes.subarray(position, end) });
    position = end;
  }
  return chunks;
}

function encode(encoding: AudioEncoding, samples: Int16Array): Buffer {
  switch (encoding) {
    case 'PCM_S16LE':
      return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    case 'PCM_F32LE':
      return Buffer.from(Float32Array.from(samples, (sample) => sample / 32_768).buffer);
    case 'MULAW':
      return compand(samples, MULAW_AMPLITUDES);
    case 'ALAW':
      return compand(samples, ALAW_AMPLITUDES);
  }
}

/** The byte of the nearest amplitude for each sample. */
function compand(samples: Int16Array, amplitudes: Int16Array): Buffer {
  const bytes = [...amplitudes.keys()].toSorted((a, b) => (amplitudes[a] ?? 0) - (amplitudes[b] ?? 0));
  const nearest = new Map<number, number>();
  const byteFor = (sample: number): number => {
    const known = nearest.get(sample);
    if (known !== undefined) return known;
    const distance = (byte: number) => Math.abs((amplitudes[byte] ?? 0) - sample);
    const found = bytes.reduce((best, byte) => (distance(byte) < distance(best) ? byte : best));
    nearest.set(sample, found);
    return found;
  };
  return Buffer.from(Uint8Array.from(samples, byteFor));
}

/** Frames of the timeline before each item, and behind the last. */
export function framesBefore({ items, format }: Recording): number[] {
  const frames = [0];
  for (const item of items) {
    const length =
      item.kind === 'chunk'
        ? item.bytes.length / bytesPerFrame(format)
        : msToFrames(item.durationMs, format.sampleRate);
    frames.push((frames.at(-1) ?? 0) + length);
  }
  return frames;
}
