import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerFrame, type AudioFormat } from '../../src/audio/format.ts';
import type { Engine } from '../../src/recognition/engine.ts';
import type { Decision, ResumePoint } from '../../src/recognition/recogniser.ts';
import type { StreamSettings } from '../../src/recognition/stream-context.ts';
import { MissingAudioError } from '../../src/recognition/recognition-session.ts';
import { ResumeStateError } from '../../src/recognition/resume-state.ts';
import { TIMELINE_RATE } from '../../src/recognition/recogniser.ts';
import { createScriptedEngine } from '../../src/recognition/scripted/scripted-engine.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { TONE_WORDS } from '../../src/recognition/scripted/tone-words.ts';
import {
  asStored,
  bytesOf,
  interleave,
  openSession,
  RecordingListener,
  writeParts,
  type SentPart,
} from '../support/recognition.ts';

const engine = createScriptedEngine({ faults: false });
const mono = (sampleRate: number): AudioFormat => ({ encoding: 'PCM_S16LE', sampleRate, channels: 1 });
const silence = (silenceMs: number): ToneSpeechPart => ({ silenceMs });

async function recognise(
  parts: readonly SentPart[],
  format: AudioFormat,
  options: { resume?: ResumePoint; engine?: Engine; settings?: StreamSettings } = {},
): Promise<RecordingListener> {
  const listener = new RecordingListener();
  const session = openSession({ engine, format, listener, ...options });
  writeParts(session, parts, bytesPerFrame(format), options.resume?.readFromFrame);
  session.end();
  return listener.untilEnded();
}

function speech(script: readonly ToneSpeechPart[], rate = TIMELINE_RATE): Uint8Array {
  return bytesOf(synthesiseToneSpeech(script, rate));
}

describe('the transcript of a stream', () => {
  it('has each word that was spoken exactly once, in utterances that silence divides', async () => {
    const script = [silence(300), 'alpha', 'bravo', silence(800), 'charlie', silence(1_000), 'delta', 'echo'] as const;
    for (const rate of [8_000, 16_000, 44_100, 48_000]) {
      const { texts } = await recognise([speech(script, rate)], mono(rate));
      expect(texts, `at ${rate} Hz`).toEqual(['alpha bravo', 'charlie', 'delta echo']);
    }
  });

  it('keeps every word of speech that never pauses, cut into utterances of at most 15 s', async () => {
    const words = Array.from({ length: 200 }, (_, index) => TONE_WORDS[(index * 7) % 60] ?? 'alpha');
    const { texts, decisions } = await recognise([speech(words)], mono(16_000));
    expect(texts.join(' ')).toBe(words.join(' '));
    expect(texts.length).toBeGreaterThan(2);
    for (const final of finals(decisions)) {
      expect(final.endSample - final.startSample).toBeLessThanOrEqual(15 * TIMELINE_RATE);
    }
  });

  it('has a last short word that the end of the stream cuts off from its silence', async () => {
    const { texts } = await recognise([speech(['alpha', silence(900), 'bravo']).subarray(0, -2 * 1_600)], mono(16_000));
    expect(texts).toEqual(['alpha', 'bravo']);
  });

  it('says where each word was spoken, on the session’s timeline', async () => {
    const { decisions } = await recognise(
      [speech([silence(2_000), 'alpha', 'bravo', silence(700)], 48_000)],
      mono(48_000),
    );
    const [alpha, bravo] = finals(decisions).flatMap((final) => final.words);
    expect(alpha?.startSample).toBeGreaterThan(2 * TIMELINE_RATE - 160);
    expect(alpha?.startSample).toBeLessThan(2 * TIMELINE_RATE + 160);
    expect(bravo?.startSample).toBeGreaterThan(2.2 * TIMELINE_RATE - 160);
    expect(bravo?.startSample).toBeLessThan(2.2 * TIMELINE_RATE + 160);
  });

  it('accounts for every sample, in order, gaps and silence included', async () => {
    const parts = [speech(['alpha', silence(1_500)]), { lostFrames: 8_000 }, speech([silence(70_000), 'bravo'])];
    const { decisions } = await recognise(parts, mono(16_000));
    expect(decisions.map((decision) => decision.kind)).toEqual([
      'final',
      'silence',
      'gap',
      'silence',
      'silence',
      'final',
    ]);
    const decided = decisions.map((decision) => decision.decidedSample);
    expect(decided).toEqual(decided.toSorted((a, b) => a - b));
    const frames = parts.reduce(
      (sum, part) => sum + (part instanceof Uint8Array ? part.length / 2 : part.lostFrames),
      0,
    );
    expect(decided.at(-1)).toBe(frames);
  });

  it('ends the open utterance at a gap', async () => {
    const parts = [speech(['alpha', 'bravo']), { lostFrames: 320 }, speech(['charlie', silence(600)])];
    const { texts } = await recognise(parts, mono(16_000));
    expect(texts).toEqual(['alpha bravo', 'charlie']);
  });

  it('is silence when the engine hears nothing in what sounded like speech', async () => {
    const words = Array.from({ length: 8 }, () => 'mumble' as const);
    const { decisions, texts } = await recognise(
      [speech(['alpha', silence(900), ...words, silence(900)])],
      mono(16_000),
    );
    expect(texts).toEqual(['alpha']);
    // The utterance is eight words of 200 ms, with a quarter of a second before it and 160 ms after it.
    expect(decisions).toMatchObject([
      { kind: 'final' },
      { kind: 'silence', speechSamples: expect.toSatisfy((samples) => samples > 25_600 && samples < 35_200) },
      { kind: 'silence', speechSamples: 0 },
    ]);
  });

  it('keeps channels apart and orders their decisions by when they were certain', async () => {
    const left = synthesiseToneSpeech(['alpha', 'bravo', silence(1_500), 'charlie', silence(1_500)], 16_000);
    const right = synthesiseToneSpeech([silence(900), 'delta', silence(2_000)], 16_000);
    const { decisions } = await recognise([interleave(left, right)], { ...mono(16_000), channels: 2 });
    expect(finals(decisions).map(({ channel, text }) => `${channel} ${text}`)).toEqual([
      '0 alpha bravo',
      '1 delta',
      '0 charlie',
    ]);
  });

  it('is the same however the audio is cut into writes', async () => {
    const script = [silence(200), 'alpha', 'bravo', silence(900), 'charlie', 'delta', silence(400), 'echo'] as const;
    for (const rate of [8_000, 44_100]) {
      const bytes = speech(script, rate);
      const whole = await recognise([bytes], mono(rate));
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 1, maxLength: 30 }),
          async (sizes) => {
            const cut = await recognise(cutInto(bytes, sizes, 2), mono(rate));
            expect(cut.decisions).toEqual(whole.decisions);
          },
        ),
        { numRuns: 15 },
      );
    }
  });
});

const MAX_RESUMES = 4;

describe('a stream that goes on from any decision', () => {
  const word = fc.constantFrom<ToneSpeechPart[]>(...TONE_WORDS);
  const shortPart = fc.oneof(
    { weight: 3, arbitrary: word },
    { weight: 1, arbitrary: fc.integer({ min: 20, max: 1_500 }).map(silence) },
  );
  const shortScript = fc.array(shortPart, { minLength: 1, maxLength: 12 });
  // Words without a pause, so that utterances are cut; and silence that is decided before it ends.
  const longScript = fc.oneof(
    fc.array(word, { minLength: 80, maxLength: 90 }),
    fc.integer({ min: 28_000, max: 36_000 }).map((ms) => [silence(ms)]),
  );
  const script = fc.oneof({ weight: 5, arbitrary: shortScript }, { weight: 1, arbitrary: longScript });
  const piece = fc.oneof(
    { weight: 3, arbitrary: script },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 20_000 }).map((lostFrames) => ({ lostFrames })) },
  );
  const pieces = fc.array(piece, { minLength: 1, maxLength: 6 });
  // With a large one among them, or minutes of audio come three frames at a time.
  const sizes = fc
    .array(fc.integer({ min: 1, max: 48_000 }), { minLength: 1, maxLength: 12 })
    .map((some) => [...some, 12_000]);

  for (const rate of [8_000, 16_000, 44_100, 48_000]) {
    it(`decides the rest as if it had never stopped, bit for bit, at ${rate} Hz`, { timeout: 120_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(pieces, sizes, sizes, async (spoken, cuts, otherCuts) => {
          const parts = spoken.map((one): SentPart => (Array.isArray(one) ? speech(one, rate) : one));
          for (const { decided, rest } of await resumedRuns(parts, cuts, otherCuts, mono(rate)))
            expect(decided).toEqual(rest);
        }),
        { numRuns: rate === 16_000 ? 20 : 5 },
      );
    });
  }

  it('also with two channels', { timeout: 120_000 }, async () => {
    const stereo = { ...mono(16_000), channels: 2 };
    await fc.assert(
      fc.asyncProperty(script, script, fc.boolean(), sizes, sizes, async (left, right, gap, cuts, otherCuts) => {
        const bytes = interleave(synthesiseToneSpeech(left, 16_000), synthesiseToneSpeech(right, 16_000));
        const parts = gap ? [bytes, { lostFrames: 777 }, bytes] : [bytes];
        for (const { decided, rest } of await resumedRuns(parts, cuts, otherCuts, stereo))
          expect(decided).toEqual(rest);
      }),
      { numRuns: 5 },
    );
  });

  it('goes on after its end, when more audio comes after all', async () => {
    const parts = [speech(['alpha', 'bravo']), speech(['charlie', silence(700), 'delta'])];
    const format = mono(16_000);
    const [first] = parts;
    const before = await recognise(first ? [first] : [], format);
    const after = await recognise(parts, format, { resume: asStored(before.ended) });
    expect([...before.texts, ...after.texts]).toEqual(['alpha bravo', 'charlie', 'delta']);
    expect(finals(after.decisions)[0]?.startSample).toBeGreaterThanOrEqual((first?.length ?? 0) / 2);
  });

  /** What streams that go on from some of the decisions decide, beside what the undisturbed one decided after them. */
  async function resumedRuns(
    parts: readonly SentPart[],
    cuts: readonly number[],
    otherCuts: readonly number[],
    format: AudioFormat,
  ): Promise<{ decided: unknown[]; rest: unknown[] }[]> {
    const frameBytes = bytesPerFrame(format);
    const sent = parts.flatMap((one): SentPart[] => cutPart(one, cuts, frameBytes));
    const resent = parts.flatMap((one): SentPart[] => cutPart(one, otherCuts, frameBytes));
    const undisturbed = await recognise(sent, format);
    const runs: { decided: unknown[]; rest: unknown[] }[] = [];
    // Some of them, spread over the stream: each costs a run of all that follows.
    const step = Math.max(1, Math.floor(undisturbed.decisions.length / MAX_RESUMES));
    for (const [index, decision] of undisturbed.decisions.entries()) {
      if (index % step !== cuts.length % step) continue;
      // Without interims: what is decided does not depend on them.
      const settings = { interimIntervalMs: 0, endSilenceMs: 512 };
      const resumed = await recognise(resent, format, { resume: asStored(decision.resume), settings });
      runs.push({
        decided: [...resumed.decisions, resumed.ended],
        rest: [...undisturbed.decisions.slice(index + 1), undisturbed.ended],
      });
    }
    return runs;
  }
});

describe('audio that can not be read again when a stream is resumed', () => {
  const format = mono(16_000);
  const parts = [speech(['alpha', silence(900)]), speech(['bravo', 'charlie', silence(900)]), speech(['delta'])];

  it('is lost with all that was not decided yet, and what follows is recognised', async () => {
    const undisturbed = await recognise(parts, format);
    const [first] = undisturbed.decisions;
    const resume = asStored(first?.resume ?? null);
    const lost = parts[1]?.length ?? 0;
    const start = parts[0]?.length ?? 0;
    const listener = new RecordingListener();
    const session = openSession({ engine, format, listener, resume });
    session.writeAudio(0, parts[0] ?? new Uint8Array(0));
    session.writeGap(start / 2, lost / 2);
    session.writeAudio((start + lost) / 2, parts[2] ?? new Uint8Array(0));
    session.end();
    const { decisions, texts } = await listener.untilEnded();
    expect(texts).toEqual(['delta']);
    expect(decisions.find(({ kind }) => kind === 'gap')).toMatchObject({ endSample: (start + lost) / 2 });
  });

  it('leaves a gap from the last decision on when the stream ends before it came', async () => {
    const { decisions } = await recognise(parts, format);
    const [first] = decisions;
    const resume = asStored(first?.resume ?? null);
    const listener = new RecordingListener();
    openSession({ engine, format, listener, resume }).end();
    await listener.untilEnded();
    const decided = first?.decidedSample ?? 0;
    const lost = listener.decisions.filter(({ decidedSample }) => decidedSample > decided);
    expect(lost.length).toBe(resume.readFromFrame > decided ? 1 : 0);
  });
});

describe('a stream that goes on with another model', () => {
  it('begins its detector afresh, says so, and loses no word', async () => {
    const bytes = speech(['alpha', silence(900), 'bravo', silence(900), 'charlie']);
    const before = await recognise([bytes], mono(16_000));
    const resume = asStored(before.decisions[0]?.resume ?? null);
    const strict: Engine = {
      ...engine,
      openDetector: (saved) => {
        if (saved !== null) throw new TypeError('not the state of this detector');
        return engine.openDetector(null);
      },
    };
    const listener = new RecordingListener();
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    const session = openSession({ engine: strict, format: mono(16_000), listener, resume, warn });
    writeParts(session, [bytes], 2, resume.readFromFrame);
    session.end();
    expect((await listener.untilEnded()).texts).toEqual(['bravo', 'charlie']);
    expect(warnings).toEqual([
      expect.stringMatching(/detector's saved state can't be restored.*not the state of this/),
    ]);
  });
});

describe('a stream that is used wrongly', () => {
  it('fails, rather than pass over audio that was left out', async () => {
    const listener = new RecordingListener();
    const session = openSession({ engine, format: mono(16_000), listener });
    session.writeAudio(0, speech(['alpha']));
    session.writeAudio(5_000, speech(['bravo']));
    await expect(listener.untilEnded()).rejects.toThrow('source frames [3200, 5000) were not written');
    const [failure] = listener.failures;
    expect(listener.failures).toHaveLength(1);
    expect(failure?.blame).toBe('stream');
    expect(failure?.cause).toBeInstanceOf(MissingAudioError);
  });

  it('does not open on a state that is not its own', async () => {
    const listener = new RecordingListener();
    const { ended } = await recognise([speech(['alpha'])], mono(16_000));
    const open = (resume: ResumePoint, channels: number) =>
      openSession({ engine, format: { ...mono(16_000), channels }, listener, resume });
    expect(() => open({ readFromFrame: 0, state: { version: 0 } }, 1)).toThrow(ResumeStateError);
    expect(() => open(asStored(ended), 2)).toThrow(/of 1 channels, the stream has 2/);
  });
});

function finals(decisions: readonly Decision[]) {
  return decisions.flatMap((decision) => (decision.kind === 'final' ? [decision.transcript] : []));
}

function cutPart(part: SentPart, sizes: readonly number[], frameBytes: number): SentPart[] {
  return part instanceof Uint8Array ? cutInto(part, sizes, frameBytes) : [part];
}

/** Pieces of so many frames each, over and over. */
function cutInto(bytes: Uint8Array, sizes: readonly number[], frameBytes: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const frames = sizes[pieces.length % sizes.length] ?? 1;
    pieces.push(bytes.subarray(start, start + frames * frameBytes));
    start += frames * frameBytes;
  }
  return pieces;
}
