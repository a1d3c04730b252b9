import { describeEngine } from '../src/recognition/engines.ts';
import { TIMELINE_RATE } from '../src/recognition/recogniser.ts';
import type { Benchmark, BenchmarkContext, Outcome } from './benchmark.ts';
import { MODELS } from './options.ts';
import { provokedSounds } from './support/provoked-sounds.ts';
import { mostRepetitions } from './support/repeated-phrase.ts';

/** As often as nobody wants to read the same words in a row. */
const LOOP_REPETITIONS = 4;
/** English speech, spoken fast, is at some five words a second. */
const MOST_WORDS_PER_SECOND = 6.5;
/** What a moment may have, however short. */
const FEW_WORDS = 4;

export const repetition: Benchmark = {
  name: 'repetition',
  about: 'loops of the decoder, over sounds that provoke them, with both models',
  limitMs: 300_000,
  run,
};

async function run({ signal, details, tell }: BenchmarkContext): Promise<Outcome> {
  const sounds = await provokedSounds();
  let looped = 0;
  let tooMany = 0;
  let withText = 0;
  for (const model of MODELS) {
    const engine = await describeEngine(model, { scriptedFaults: false }).load();
    for (const { name, audio } of sounds) {
      signal.throwIfAborted();
      const { text, words } = await engine.decode(audio, { language: 'en', purpose: 'final' });
      const isLooped = mostRepetitions(text) >= LOOP_REPETITIONS;
      const seconds = audio.length / TIMELINE_RATE;
      if (words.length > Math.max(FEW_WORDS, MOST_WORDS_PER_SECOND * seconds)) tooMany += 1;
      if (isLooped) looped += 1;
      if (text !== '') withText += 1;
      if (details && isLooped) tell(`${model}, ${name}: ${text}`);
    }
  }
  const decodes = sounds.length * MODELS.length;
  return {
    kind: 'measured',
    figures: [
      { what: 'decodes', unit: 'count', ours: decodes },
      { what: 'decodes with words', unit: 'percent', ours: withText / decodes },
      {
        what: `decodes in which a phrase comes ${LOOP_REPETITIONS} times in a row or more`,
        unit: 'percent',
        ours: looped / decodes,
        target: { of: 'ours', atMost: 0 },
      },
      {
        what: `decodes with more than ${MOST_WORDS_PER_SECOND} words per second`,
        unit: 'percent',
        ours: tooMany / decodes,
        target: { of: 'ours', atMost: 0 },
      },
    ],
    notes: [
      `models ${MODELS.join(' and ')}; ${sounds.length} sounds: words and syllables again and again, scraps of words, speech under noise, hum and music, speech that is too fast, too slow or backwards, bursts like a voice's`,
    ],
  };
}
