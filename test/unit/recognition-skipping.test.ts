import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerFrame, type AudioFormat } from '../../src/audio/format.ts';
import { DecodeQueue } from '../../src/recognition/decode-queue.ts';
import type { DecodeOptions, Engine } from '../../src/recognition/engine.ts';
import type { Decision, ResumePoint } from '../../src/recognition/recogniser.ts';
import { createScriptedEngine } from '../../src/recognition/scripted/scripted-engine.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { TONE_WORDS } from '../../src/recognition/scripted/tone-words.ts';
import { asStored, bytesOf, interleave, openSession, RecordingListener, writeParts } from '../support/recognition.ts';

const MONO: AudioFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 };
const STEREO: AudioFormat = { ...MONO, channels: 2 };
const CHUNK_FRAMES = 1_600;

interface Run {
  readonly resume?: ResumePoint;
  readonly draftsShown?: boolean;
  readonly isolated?: boolean;
  readonly skipFirstUtterance?: boolean;
}

interface Heard {
  readonly purpose: DecodeOptions['purpose'];
  readonly text: string;
}

/** As live audio comes: whatever can be done with a chunk is done before the next. */
async function speakLive(bytes: Uint8Array, format: AudioFormat, run: Run) {
  const scripted = createScriptedEngine({ faults: false });
  const decodes: Heard[] = [];
  const engine: Engine = {
    ...scripted,
    decode: async (audio, options) => {
      const hypothesis = await scripted.decode(audio, options);
      decodes.push({ purpose: options.purpose, text: hypothesis.text });
      return hypothesis;
    },
  };
  const queue = new DecodeQueue(engine);
  const listener = new RecordingListener();
  const settings = { interimIntervalMs: 480, endSilenceMs: 512 };
  const session = openSession({ engine, format, listener, queue, settings, ...run });
  const frameBytes = bytesPerFrame(format);
  const first = run.resume?.readFromFrame ?? 0;
  for (let frame = first - (first % CHUNK_FRAMES); frame * frameBytes < bytes.length; frame += CHUNK_FRAMES) {
    session.writeAudio(frame, bytes.subarray(frame * frameBytes, (frame + CHUNK_FRAMES) * frameBytes));
    do await nextTurn();
    while (session.isBusy || queue.isBusy);
  }
  session.end();
  await listener.untilEnded();
  return { listener, decodes };
}

/** All at once. */
async function decisionsOf(bytes: Uint8Array, format: AudioFormat, run: Run = {}): Promise<Decision[]> {
  const listener = new RecordingListener();
  const session = openSession({ engine: createScriptedEngine({ faults: false }), format, listener, ...run });
  writeParts(session, [bytes], bytesPerFrame(format), run.resume?.readFromFrame);
  session.end();
  return (await listener.untilEnded()).decisions;
}

/** The utterance that a decision tells of, whether or not it had words. */
function utteranceOf(decision: Decision): { channel: number; startSample: number; endSample: number } | null {
  if (decision.kind === 'final') return decision.transcript;
  if (decision.kind !== 'silence' || decision.speechSamples === 0) return null;
  const { channel, speechSamples, decidedSample } = decision;
  return { channel, startSample: decidedSample - speechSamples, endSample: decidedSample };
}

/** The same, with the first utterance told as failed. */
function withoutFirstUtterance(decisions: readonly Decision[]): Decision[] {
  const index = decisions.findIndex((decision) => utteranceOf(decision) !== null);
  return decisions.map((decision, i) => {
    const utterance = utteranceOf(decision);
    if (i !== index || utterance === null) return decision;
    const { channel, startSample, endSample } = utterance;
    const { decidedSample, resume } = decision;
    return { kind: 'failed', channel, startSample, endSample, decidedSample, resume };
  });
}

function speech(script: readonly ToneSpeechPart[]): Int16Array {
  return synthesiseToneSpeech(script, MONO.sampleRate);
}

const script = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<ToneSpeechPart[]>(...TONE_WORDS) },
    { weight: 1, arbitrary: fc.integer({ min: 20, max: 1_500 }).map((silenceMs): ToneSpeechPart => ({ silenceMs })) },
    { weight: 1, arbitrary: fc.constant<ToneSpeechPart>('mumble') },
  ),
  { minLength: 1, maxLength: 40 },
);

describe('a stream that skips its first utterance', () => {
  const SPOKEN = bytesOf(
    speech(['alpha', 'bravo', 'charlie', 'delta', { silenceMs: 900 }, 'echo', 'foxtrot', 'golf', { silenceMs: 900 }]),
  );

  it('tells it as failed, where it was heard, and everything else as usual', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(script, async (spoken) => {
        const bytes = bytesOf(speech(spoken));
        const undisturbed = await decisionsOf(bytes, MONO);
        const skipping = await decisionsOf(bytes, MONO, { skipFirstUtterance: true });
        expect(skipping).toEqual(withoutFirstUtterance(undisturbed));
      }),
      { numRuns: 40 },
    );
  });

  it('does so from any decision on, with two channels, too', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(script, script, fc.nat(), async (left, right, where) => {
        const bytes = interleave(speech(left), speech(right));
        const undisturbed = await decisionsOf(bytes, STEREO);
        const index = where % undisturbed.length;
        const resume = asStored(undisturbed[index]?.resume ?? null);
        const skipping = await decisionsOf(bytes, STEREO, { resume, skipFirstUtterance: true });
        expect(skipping).toEqual(withoutFirstUtterance(undisturbed.slice(index + 1)));
      }),
      { numRuns: 40 },
    );
  });

  it('skips one that was certain already when the stream before it failed', async () => {
    // Both channels are decided in the same step, so the first decision has the second pending.
    const bytes = interleave(speech(['alpha', { silenceMs: 900 }]), speech(['bravo', { silenceMs: 900 }]));
    const [first, ...rest] = await decisionsOf(bytes, STEREO);
    const resume = asStored(first?.resume ?? null);
    expect(resume.state).toMatchObject({ pending: [{ kind: 'final', channel: 1 }] });
    const { listener, decodes } = await speakLive(bytes, STEREO, { resume, skipFirstUtterance: true });
    expect(listener.decisions[0]).toMatchObject({ kind: 'failed', channel: 1 });
    expect(listener.decisions).toEqual(withoutFirstUtterance(rest));
    expect(decodes).toEqual([]);
  });

  it('decodes nothing of it, neither for drafts nor ahead, and drafts what comes after it', async () => {
    const { listener, decodes } = await speakLive(SPOKEN, MONO, { skipFirstUtterance: true });
    expect(listener.decisions.map(({ kind }) => kind)).toEqual(['failed', 'final', 'silence']);
    expect(decodes.length).toBeGreaterThan(0);
    for (const { text } of decodes) expect('echo foxtrot golf').toContain(text);
    expect(listener.interims.map(({ text }) => text)).toEqual(['echo', 'echo foxtrot golf']);
  });

  it('withdraws the drafts of it that an earlier stream has shown', async () => {
    const { listener } = await speakLive(SPOKEN, MONO, { skipFirstUtterance: true, draftsShown: true });
    const [withdrawal, failed] = listener.events;
    expect(failed).toMatchObject({ kind: 'failed' });
    expect(withdrawal).toMatchObject({ text: '', startSample: Reflect.get(failed ?? {}, 'startSample') });
    const fresh = await speakLive(SPOKEN, MONO, { skipFirstUtterance: true });
    expect(fresh.listener.events[0]).toMatchObject({ kind: 'failed' });
  });
});

describe('an isolated stream', () => {
  it('decides like any other', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(script, script, async (left, right) => {
        const bytes = interleave(speech(left), speech(right));
        expect(await decisionsOf(bytes, STEREO, { isolated: true })).toEqual(await decisionsOf(bytes, STEREO));
      }),
      { numRuns: 20 },
    );
  });

  it('decodes nothing but what is next to be decided, so that this is what a failure is about', async () => {
    const pause: ToneSpeechPart = { silenceMs: 300 };
    const bytes = bytesOf(speech(['alpha', 'bravo', pause, 'charlie', { silenceMs: 900 }, 'delta', 'echo']));
    const usual = await speakLive(bytes, MONO, {});
    expect(usual.decodes.length).toBeGreaterThan(3);
    const { decodes, listener } = await speakLive(bytes, MONO, { isolated: true });
    expect(decodes).toEqual(listener.texts.map((text) => ({ purpose: 'final', text })));
    expect(listener.texts).toEqual(['alpha bravo charlie', 'delta echo']);
  });
});
