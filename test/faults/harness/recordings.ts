import type { AudioFormat, ContainerEncoding, SampleEncoding, SampleFormat } from '../../../src/audio/format.ts';
import { bytesPerFrame } from '../../../src/audio/format.ts';
import { ALAW_AMPLITUDES, MULAW_AMPLITUDES } from '../../../src/audio/g711.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../../src/recognition/scripted/tone-speech.ts';
import { INAUDIBLE_WORD, TONE_WORDS, type ToneWord } from '../../../src/recognition/scripted/tone-words.ts';
import { interleaved } from '../../support/passages.ts';
import { makeContainerRecording } from './container-recordings.ts';
import type { Random } from './random.ts';
import type { Recording, RecordingItem } from './recording.ts';

const FORMATS: readonly Omit<SampleFormat, 'channels'>[] = [
  { encoding: 'MULAW', sampleRate: 8_000 },
  { encoding: 'PCM_S16LE', sampleRate: 16_000 },
  { encoding: 'PCM_S16LE', sampleRate: 44_100 },
  { encoding: 'PCM_F32LE', sampleRate: 48_000 },
  { encoding: 'ALAW', sampleRate: 8_000 },
];
/** Channels have no word in common, so that each word tells which one was heard. */
const WORDS_BY_CHANNEL = [0, 1].map((channel) => TONE_WORDS.filter((_, index) => index % 2 === channel));

const CONTAINERS: readonly ContainerEncoding[] = ['WEBM_OPUS', 'OGG_OPUS', 'FLAC', 'MP3', 'WAV'];
/** Of samples as many as of containers; the first of each kind has two channels. */
const RECORDINGS_OF_A_KIND = 3;

/** Of 5 to 9 passages if they are samples, of 3 to 5 if they are containers; each seed has other formats. */
export function makeRecordings(random: Random): Recording[] {
  const channelsOf = (index: number) => (index === 0 ? 2 : 1);
  const formats = someOf(random.fork('formats'), FORMATS);
  const containers = someOf(random.fork('containers'), CONTAINERS);
  return [
    ...formats.map((encoding, index) => {
      const format = { ...encoding, channels: channelsOf(index) };
      const name = `${format.encoding} at ${format.sampleRate} Hz, channels: ${format.channels}`;
      return makeRecording(random.fork(name), name, format);
    }),
    ...containers.map((encoding, index) => makeContainerRecording(random.fork(encoding), encoding, channelsOf(index))),
  ];
}

function someOf<T>(random: Random, all: readonly T[]): T[] {
  const left = [...all];
  return Array.from({ length: RECORDINGS_OF_A_KIND }, () => {
    const chosen = random.pick(left);
    left.splice(left.indexOf(chosen), 1);
    return chosen;
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
    items.push(...cut(random, encode(format.encoding, interleaved(spoken)), format));
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
