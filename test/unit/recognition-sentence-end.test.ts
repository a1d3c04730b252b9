import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerFrame, type AudioFormat } from '../../src/audio/format.ts';
import { DecodeQueue } from '../../src/recognition/decode-queue.ts';
import type { Engine } from '../../src/recognition/engine.ts';
import type { Decision, ResumePoint } from '../../src/recognition/recogniser.ts';
import { createScriptedEngine } from '../../src/recognition/scripted/scripted-engine.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { TONE_WORDS } from '../../src/recognition/scripted/tone-words.ts';
import { asStored, bytesOf, interleave, openSession, RecordingListener, writeParts } from '../support/recognition.ts';

const MONO: AudioFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 };
const STEREO: AudioFormat = { ...MONO, channels: 2 };
const SETTINGS = { interimIntervalMs: 480, endSilenceMs: 992, sentenceEndSilenceMs: 384 };
/** The first of the words end sentences, with more or less certainty. */
const ENDINGS: Readonly<Record<string, number>> = { alpha: 0.95, bravo: 0.75, charlie: 0.6 };

const scripted = createScriptedEngine({ faults: false });
const engine: Engine = {
  ...scripted,
  decode: async (audio, options) => {
    const hypothesis = await scripted.decode(audio, options);
    return { ...hypothesis, sentenceEnd: ENDINGS[hypothesis.text.split(' ').at(-1) ?? ''] ?? 0 };
  },
};

interface Run {
  readonly engine?: Engine;
  readonly resume?: ResumePoint;
  readonly isolated?: boolean;
  readonly skipFirstUtterance?: boolean;
  readonly interimIntervalMs?: number;
}

const silence = (silenceMs: number): ToneSpeechPart => ({ silenceMs });

async function recognise(bytes: Uint8Array, format: AudioFormat, run: Run = {}): Promise<RecordingListener> {
  const listener = new RecordingListener();
  const { interimIntervalMs = SETTINGS.interimIntervalMs, ...options } = run;
  const session = openSession({ engine, format, listener, settings: { ...SETTINGS, interimIntervalMs }, ...options });
  writeParts(session, [bytes], bytesPerFrame(format), run.resume?.readFromFrame);
  session.end();
  return listener.untilEnded();
}

function speech(...script: ToneSpeechPart[]): Uint8Array {
  return bytesOf(synthesiseToneSpeech(script, 16_000));
}

/** An engine that takes its time before each answer: so many turns of the event loop. */
function hesitating(turns: readonly number[]): Engine {
  let decodes = 0;
  return {
    ...engine,
    decode: async (audio, options) => {
      const wait = turns[decodes++ % turns.length] ?? 0;
      for (let turn = 0; turn < wait; turn++) await nextTurn();
      return engine.decode(audio, options);
    },
  };
}

describe('the silence that ends an utterance', () => {
  it('is short after a sentence and long in the middle of one', async () => {
    const { texts } = await recognise(
      speech('delta', silence(600), 'echo', 'alpha', silence(600), 'delta', silence(1_200), 'bravo', silence(400)),
      MONO,
    );
    expect(texts).toEqual(['delta echo alpha', 'delta', 'bravo']);
  });

  it('is long where the sentence’s end is doubtful', async () => {
    const { texts } = await recognise(speech('delta', 'charlie', silence(600), 'delta', silence(400)), MONO);
    expect(texts).toEqual(['delta charlie delta']);
  });

  it('has the words decoded once, though they were asked for before the end', async () => {
    const decoded: string[] = [];
    const noting: Engine = {
      ...engine,
      decode: async (audio, options) => {
        const hypothesis = await engine.decode(audio, options);
        decoded.push(hypothesis.text);
        return hypothesis;
      },
    };
    const bytes = speech('alpha', silence(1_500), 'delta', silence(1_500));
    const { texts } = await recognise(bytes, MONO, { engine: noting, interimIntervalMs: 0 });
    expect(texts).toEqual(['alpha', 'delta']);
    expect(decoded).toEqual(texts);
  });

  const word = fc.constantFrom<ToneSpeechPart[]>('alpha', 'bravo', 'charlie', ...TONE_WORDS.slice(0, 8));
  const pause = fc.integer({ min: 20, max: 1_300 }).map(silence);
  const script = fc.array(fc.oneof({ weight: 2, arbitrary: word }, { weight: 1, arbitrary: pause }), {
    minLength: 1,
    maxLength: 14,
  });
  const stereo = fc
    .tuple(script, script)
    .map(([left, right]) => interleave(synthesiseToneSpeech(left, 16_000), synthesiseToneSpeech(right, 16_000)));

  it('does not depend on how long the words take, on drafts, or on being alone', { timeout: 60_000 }, async () => {
    const turns = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(stereo, turns, async (bytes, waits) => {
        const { decisions } = await recognise(bytes, STEREO);
        for (const run of [{ engine: hesitating(waits) }, { interimIntervalMs: 0 }, { isolated: true }])
          expect((await recognise(bytes, STEREO, run)).decisions).toEqual(decisions);
      }),
      { numRuns: 15 },
    );
  });

  it('is the same after a restart at any decision', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(stereo, async (bytes) => {
        const { decisions } = await recognise(bytes, STEREO);
        for (const [index, decision] of decisions.entries()) {
          const resumed = await recognise(bytes, STEREO, {
            resume: asStored(decision.resume),
            interimIntervalMs: 0,
          });
          expect(resumed.decisions).toEqual(decisions.slice(index + 1));
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe('an utterance whose words would end it, but can not be decoded', () => {
  const bytes = speech('delta', 'alpha', silence(600), 'echo', 'bravo', silence(600));
  const poisoned = (text: string): Engine => ({
    ...engine,
    decode: async (audio, options) => {
      const hypothesis = await engine.decode(audio, options);
      if (hypothesis.text === text) throw new Error('this can not be decoded');
      return hypothesis;
    },
  });

  it('fails its stream', async () => {
    await expect(recognise(bytes, MONO, { engine: poisoned('delta alpha') })).rejects.toThrow('can not be decoded');
  });

  it('is the one that is passed over, and all after it is heard', async () => {
    const { decisions, texts } = await recognise(bytes, MONO, {
      engine: poisoned('delta alpha'),
      isolated: true,
      skipFirstUtterance: true,
    });
    expect(decisions.map(({ kind }: Decision) => kind).slice(0, 2)).toEqual(['failed', 'final']);
    expect(texts).toEqual(['echo bravo']);
  });

  it('is passed over on its own channel, while another one is speaking', async () => {
    const left = synthesiseToneSpeech(['echo', 'echo', 'echo', 'echo', 'echo', silence(600), 'echo'], 16_000);
    const right = synthesiseToneSpeech(['delta', 'alpha', silence(2_000)], 16_000);
    const { decisions, texts } = await recognise(interleave(left, right), STEREO, {
      engine: poisoned('delta alpha'),
      isolated: true,
      skipFirstUtterance: true,
    });
    expect(decisions.find(({ kind }) => kind === 'failed')).toMatchObject({ channel: 1 });
    expect(texts).toEqual(['echo echo echo echo echo echo']);
  });

  it('leaves nothing waiting when the stream is closed meanwhile', async () => {
    const queue = new DecodeQueue(hesitating([1_000]));
    const listener = new RecordingListener();
    const session = openSession({ engine, format: MONO, listener, queue, settings: SETTINGS });
    session.writeAudio(0, bytes);
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    session.close();
    while (queue.isBusy) await nextTurn();
    expect(listener.events).toEqual([]);
    expect(listener.failures).toEqual([]);
  });
});
