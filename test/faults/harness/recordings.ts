import type { AudioFormat, SampleEncoding, SampleFormat } from '../../../src/audio/format.ts';
import { bytesPerFrame, msToFrames } from '../../../src/audio/format.ts';
import { ALAW_AMPLITUDES, MULAW_AMPLITUDES } from '../../../src/audio/g711.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../../src/recognition/scripted/tone-speech.ts';
import { INAUDIBLE_WORD, TONE_WORDS, type ToneWord } from '../../../src/recognition/scripted/tone-words.ts';
import type { Random } from './random.ts';

/** What a client sends under one sequence number. */
export type RecordingItem =
  { readonly kind: 'chunk'; readonly bytes: Buffer } | { readonly kind: 'skip'; readonly durationMs: number };

/** Something said, cut into chunks once and for all: sent again, a number names the same bytes. */
export interface Recording {
  readonly name: string;
  /** What is said in it, by channel. */
  readonly texts: readonly string[];
  readonly format: AudioFormat;
  /** Who says it, by channel; `null`: the server is not told. */
  readonly speakers: readonly (string | null)[];
  readonly items: readonly RecordingItem[];
}

const FORMATS: readonly Omit<SampleFormat, 'channels'>[] = [
  { encoding: 'MULAW', sampleRate: 8_000 },
  { encoding: 'PCM_S16LE', sampleRate: 16_000 },
  { encoding: 'PCM_S16LE', sampleRate: 44_100 },
  { encoding: 'PCM_F32LE', sampleRate: 48_000 },
  { encoding: 'ALAW', sampleRate: 8_000 },
];
/** Channels have no word in common, so that each word tells which one was heard. */
const WORDS_BY_CHANNEL = [0, 1].map((channel) => TONE_WORDS.filter((_, index) => index % 2 === channel));

/** One in each format, two of them with two channels, of 5 to 9 passages; each seed has other ones with two. */
export function makeRecordings(random: Random): Recording[] {
  const firstOfTwo = random.fork('channels').integer(0, FORMATS.length - 1);
  return FORMATS.map((encoding, index) => {
    const isOfTwo = index === firstOfTwo || index === (firstOfTwo + 2) % FORMATS.length;
    const format = { ...encoding, channels: isOfTwo ? 2 : 1 };
    const name = `${format.encoding} at ${format.sampleRate} Hz, channels: ${format.channels}`;
    return makeRecording(random.fork(name), name, format);
  });
}

function makeRecording(random: Random, name: string, format: SampleFormat): Recording {
  const items: RecordingItem[] = [];
  const said = Array.from({ length: format.channels }, (): ToneWord[] => []);
  const passages = random.integer(5, 9);
  for (let passage = 0; passage < passages; passage++) {
    const spoken = said.map((words, channel) => {
      const script = makeScript(random, format.channels === 1 ? TONE_WORDS : (WORDS_BY_CHANNEL[channel] ?? []), format);
      words.push(...script.flatMap((part) => (typeof part === 'string' && part !== INAUDIBLE_WORD ? [part] : [])));
      return synthesiseToneSpeech(script, format.sampleRate);
    });
    items.push(...cut(random, encode(format.encoding, interleave(spoken)), format));
    if (random.chance(0.15)) items.push({ kind: 'skip', durationMs: random.integer(1, 1_500) });
  }
  const speakers = said.map((_, channel) => (random.chance(0.5) ? `${name}, speaker ${channel}` : null));
  return { name, texts: said.map((words) => words.join(' ')), format, speakers, items };
}

/** An utterance of 1 to 4 words. One of two channels has none, one or two of them, which begin when they will. */
function makeScript(random: Random, words: readonly ToneWord[], { channels }: AudioFormat): ToneSpeechPart[] {
  const utterances = channels === 1 ? 1 : random.integer(0, 2);
  return Array.from({ length: utterances }, (): ToneSpeechPart[] => [
    ...(channels === 1 ? [] : [{ silenceMs: random.integer(0, 600) }]),
    ...Array.from({ length: random.integer(1, 4) }, () => random.pick(words)),
    { silenceMs: random.integer(350, 700) },
  ]).flat();
}

/** The channels side by side; shorter ones end in silence. */
function interleave(channels: readonly Int16Array[]): Int16Array {
  const frames = Math.max(...channels.map((samples) => samples.length));
  const interleaved = new Int16Array(frames * channels.length);
  for (const [channel, samples] of channels.entries()) {
    for (const [frame, sample] of samples.entries()) interleaved[frame * channels.length + channel] = sample;
  }
  return interleaved;
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

function encode(encoding: SampleEncoding, samples: Int16Array): Buffer {
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
