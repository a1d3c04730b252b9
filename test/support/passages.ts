import { readFileSync } from 'node:fs';
import { wavHeader } from '../../src/audio/wav.ts';
import { OPUS_RATE, type ContainerEncoding, type ContainerFormat } from '../../src/audio/format.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';

/** A few words that were encoded in each container: recordings of any length are made by appending them to each other. */
export interface Passage {
  readonly name: string;
  /** Of the samples that were encoded; Opus makes 48,000 of it. */
  readonly sampleRate: number;
  /** By channel, all of the same length. Channels have no word in common. */
  readonly scripts: readonly (readonly ToneSpeechPart[])[];
}

const pause = (silenceMs: number): ToneSpeechPart => ({ silenceMs });

const PASSAGES: readonly Passage[] = [
  {
    name: 'mono-1',
    sampleRate: 16_000,
    scripts: [['alpha', 'bravo', 'charlie', pause(480), 'delta', 'echo', pause(620)]],
  },
  { name: 'mono-2', sampleRate: 16_000, scripts: [['foxtrot', 'golf', 'hotel', 'india', 'juliett', pause(530)]] },
  { name: 'mono-3', sampleRate: 16_000, scripts: [[pause(210), 'kilo', pause(410), 'lima', 'mike', pause(390)]] },
  {
    name: 'duet-1',
    sampleRate: 44_100,
    scripts: [
      ['oscar', 'quebec', pause(900), 'sierra', pause(800)],
      [pause(300), 'november', 'papa', 'romeo', 'tango', pause(1_200)],
    ],
  },
  {
    name: 'duet-2',
    sampleRate: 44_100,
    scripts: [
      [pause(700), 'uniform', 'whiskey', 'zulu', pause(500)],
      ['victor', 'yankee', pause(1_400)],
    ],
  },
];

/** Those with so many channels. */
export function passagesOf(channels: number): Passage[] {
  return PASSAGES.filter(({ scripts }) => scripts.length === channels);
}

/** @throws RangeError when there is none of that name */
export function passageNamed(name: string): Passage {
  const passage = PASSAGES.find((one) => one.name === name);
  if (passage === undefined) throw new RangeError(`there is no passage ${name}`);
  return passage;
}

/** How a session with such a passage in it is started. */
export function passageFormat(encoding: ContainerEncoding, { sampleRate, scripts }: Passage): ContainerFormat {
  const isOpus = encoding === 'WEBM_OPUS' || encoding === 'OGG_OPUS';
  return { encoding, sampleRate: isOpus ? OPUS_RATE : sampleRate, channels: scripts.length };
}

/** Interleaved. */
export function passageSamples({ scripts, sampleRate }: Passage): Int16Array {
  return interleaved(scripts.map((script) => synthesiseToneSpeech(script, sampleRate)));
}

/** The channels side by side; shorter ones end in silence. */
export function interleaved(channels: readonly Int16Array[]): Int16Array {
  const frames = Math.max(...channels.map((samples) => samples.length));
  const all = new Int16Array(frames * channels.length);
  for (const [channel, samples] of channels.entries()) {
    for (const [frame, sample] of samples.entries()) all[frame * channels.length + channel] = sample;
  }
  return all;
}

const EXTENSIONS = { WEBM_OPUS: 'webm', OGG_OPUS: 'opus', FLAC: 'flac', MP3: 'mp3' } as const;

/** The passage as a file of its own; all but WAV were made by the encoders that are named in the fixtures' README. */
export function passageFile(encoding: ContainerEncoding, passage: Passage): Buffer {
  if (encoding === 'WAV') return passageWav(passage);
  const file = `../fixtures/containers/passages/${passage.name}.${EXTENSIONS[encoding]}`;
  return readFileSync(new URL(file, import.meta.url));
}

function passageWav(passage: Passage): Buffer {
  const samples = passageSamples(passage);
  const format = {
    encoding: 'PCM_S16LE',
    sampleRate: passage.sampleRate,
    channels: passage.scripts.length,
  } as const;
  return Buffer.concat([wavHeader(format, samples.byteLength), Buffer.from(samples.buffer)]);
}
