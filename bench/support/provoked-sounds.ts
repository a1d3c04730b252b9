import { TIMELINE_RATE } from '../../src/recognition/recogniser.ts';
import { timelineSamples } from './offline.ts';
import { randomNumbers } from './random-numbers.ts';
import { SOUNDS_WITHOUT_SPEECH } from './sounds.ts';
import { readRecording } from './speech.ts';
import { synthesisedRecordings } from './word-references.ts';

const MOST_SECONDS = 14;
const TURN = 2 * Math.PI;

export interface ProvokedSound {
  readonly name: string;
  /** Mono, at the timeline rate. */
  readonly audio: Float32Array;
}

/**
 * Sounds in which greedy decoders are prone to repeat themselves: words and syllables without end, scraps of words, speech under
 * noise, hum and music, speech that is too fast, too slow or backwards, and bursts like a voice's. Made of the project's own
 * recordings; the same in each run.
 */
export async function provokedSounds(): Promise<ProvokedSound[]> {
  const recordings = await Promise.all(
    (await synthesisedRecordings()).map(async (recording) => ({
      words: recording.words,
      audio: timelineSamples(await readRecording(recording)),
    })),
  );
  const speech = recordings[0]?.audio ?? new Float32Array(0);
  const words = recordings.flatMap(({ words: all, audio }) =>
    all
      .filter((_, index) => index % 7 === 0)
      .map(({ text, startMs, endMs }) => ({ text, audio: audio.slice(at(startMs), at(endMs)) })),
  );
  return [...repeatedWords(words), ...scraps(speech), ...underNoise(speech), ...atOtherSpeeds(speech), ...bursts()];
}

function repeatedWords(words: readonly { text: string; audio: Float32Array }[]): ProvokedSound[] {
  return words.flatMap(({ text, audio }) => [
    { name: `"${text}" again and again`, audio: repeated(audio, 10) },
    { name: `the beginning of "${text}" again and again`, audio: repeated(audio.slice(0, at(100)), 6) },
  ]);
}

function scraps(speech: Float32Array): ProvokedSound[] {
  return [20, 40, 60, 80, 120, 200, 300, 500].flatMap((ms) =>
    [300, 900, 1_500, 2_100].map((start) => ({
      name: `${ms} ms of speech from ${start} ms`,
      audio: speech.slice(at(start), at(start + ms)),
    })),
  );
}

function underNoise(speech: Float32Array): ProvokedSound[] {
  const spoken = repeated(speech, MOST_SECONDS);
  return Object.entries(SOUNDS_WITHOUT_SPEECH).flatMap(([name, make]) => {
    const noise = make(MOST_SECONDS);
    const peak = Math.max(
      1e-9,
      noise.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 0),
    );
    return [0.05, 0.3, 0.9].flatMap((level) => [
      { name: `${name} at ${level}`, audio: noise.map((sample) => (sample * level) / peak) },
      {
        name: `speech under ${name} at ${level}`,
        audio: spoken.map((sample, i) => sample + ((noise[i] ?? 0) * level) / peak),
      },
    ]);
  });
}

function atOtherSpeeds(speech: Float32Array): ProvokedSound[] {
  return [0.4, 0.6, 1.6, 2.2, 3].flatMap((speed) => {
    const audio = Float32Array.from(
      { length: Math.floor(Math.min(speech.length / speed, at(MOST_SECONDS * 1000))) },
      (_, i) => speech[Math.floor(i * speed)] ?? 0,
    );
    return [
      { name: `speech at ${speed} times its speed`, audio },
      { name: `backwards at ${speed} times its speed`, audio: audio.toReversed() },
    ];
  });
}

/** A buzz with two formants, that comes and goes like syllables. */
function bursts(): ProvokedSound[] {
  return [90, 120, 150, 180, 210, 240].map((pitch, index) => {
    const hiss = randomNumbers(pitch);
    const partials = Array.from({ length: 29 }, (_, n) => (n + 1) * pitch).map((frequency) => ({
      frequency,
      loudness: 1 / (1 + ((frequency - 500) / 120) ** 2) + 0.6 / (1 + ((frequency - 1_500) / 200) ** 2),
    }));
    const audio = Float32Array.from({ length: at(8_000) }, (_, i) => {
      const t = i / TIMELINE_RATE;
      const isOn = Math.sin(TURN * (1 + index) * t) > 0;
      const voice = partials.reduce(
        (sum, { frequency, loudness }) => sum + loudness * Math.sin(TURN * frequency * t),
        0,
      );
      return (isOn ? 0.2 * voice : 0) + 0.01 * hiss();
    });
    return { name: `bursts at ${pitch} Hz`, audio };
  });
}

function repeated(audio: Float32Array, seconds: number): Float32Array {
  return Float32Array.from({ length: at(seconds * 1000) }, (_, i) => audio[i % audio.length] ?? 0);
}

function at(ms: number): number {
  return Math.round((ms * TIMELINE_RATE) / 1000);
}
