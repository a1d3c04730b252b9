import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DecodeQueue } from '../../src/recognition/decode-queue.ts';
import type { DecodeOptions, Engine } from '../../src/recognition/engine.ts';
import { createScriptedEngine } from '../../src/recognition/scripted/scripted-engine.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { bytesOf, openSession, RecordingListener } from '../support/recognition.ts';

const FORMAT = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
const CHUNK_FRAMES = 1_600;

interface Decode {
  readonly purpose: DecodeOptions['purpose'];
  readonly samples: number;
}

/** The scripted engine, keeping what was asked of it. */
function watchedEngine(): { engine: Engine; decodes: Decode[] } {
  const scripted = createScriptedEngine({ faults: false });
  const decodes: Decode[] = [];
  const engine: Engine = {
    ...scripted,
    decode: (audio, options) => {
      decodes.push({ purpose: options.purpose, samples: audio.length });
      return scripted.decode(audio, options);
    },
  };
  return { engine, decodes };
}

/** As live audio comes: whatever can be done with a chunk is done before the next. */
async function speakLive(script: readonly ToneSpeechPart[], interimIntervalMs = 500) {
  const { engine, decodes } = watchedEngine();
  const queue = new DecodeQueue(engine);
  const listener = new RecordingListener();
  const settings = { interimIntervalMs, endSilenceMs: 512 };
  const session = openSession({ engine, format: FORMAT, listener, queue, settings });
  const bytes = bytesOf(synthesiseToneSpeech(script, FORMAT.sampleRate));
  for (let frame = 0; 2 * frame < bytes.length; frame += CHUNK_FRAMES) {
    session.writeAudio(frame, bytes.subarray(2 * frame, 2 * (frame + CHUNK_FRAMES)));
    do await nextTurn();
    while (session.isBusy || queue.isBusy);
  }
  session.end();
  await listener.untilEnded();
  return { listener, decodes };
}

const SENTENCE = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel'] as const;

describe('interims', () => {
  it('grow with the utterance at its start, each a higher revision, the final’s the highest', async () => {
    const { listener } = await speakLive([{ silenceMs: 500 }, ...SENTENCE, { silenceMs: 700 }]);
    expect(listener.interims.length).toBeGreaterThanOrEqual(3);
    const [final] = listener.decisions;
    if (final?.kind !== 'final') throw new Error('the first decision is not a final');
    expect(final.transcript.text).toBe(SENTENCE.join(' '));
    const revisions = [...listener.interims, final.transcript].map((transcript) => transcript.revision);
    expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
    for (const interim of listener.interims) {
      expect(interim.startSample).toBe(final.transcript.startSample);
      expect(interim.endSample).toBeLessThanOrEqual(final.transcript.endSample);
    }
    expect(listener.events.indexOf(final)).toBe(listener.interims.length);
  });

  it('are not drafted once silence has begun, and come at most once in their interval', async () => {
    const { listener, decodes } = await speakLive([...SENTENCE, { silenceMs: 3_000 }], 500);
    const lastSpeech = SENTENCE.length * 200 * 16 + 3 * 512;
    const drafted = new Set(decodes.flatMap(({ purpose, samples }) => (purpose === 'interim' ? [samples] : [])));
    expect(Math.max(...drafted)).toBeLessThanOrEqual(lastSpeech);
    const drafts = listener.interims.filter(({ startSample, endSample }) => drafted.has(endSample - startSample));
    expect(drafts).toHaveLength(drafted.size);
    const ends = drafts.map((interim) => interim.endSample);
    const distances = ends.slice(1).map((end, index) => end - (ends[index] ?? 0));
    expect(Math.min(...distances)).toBeGreaterThanOrEqual(480 * 16);
  });

  it('are withdrawn by an empty text when the utterance turns out to be silence', async () => {
    const engine = createScriptedEngine({ faults: false });
    const imagined = { text: 'thank you', words: [], confidence: null };
    const decode: Engine['decode'] = async (audio, options) =>
      options.purpose === 'interim' ? imagined : engine.decode(audio, options);
    const fanciful = { ...engine, decode };
    const listener = new RecordingListener();
    const queue = new DecodeQueue(fanciful);
    const session = openSession({ engine: fanciful, format: FORMAT, listener, queue });
    const mumbling = Array.from({ length: 10 }, () => 'mumble' as const);
    const bytes = bytesOf(synthesiseToneSpeech([...mumbling, { silenceMs: 700 }], FORMAT.sampleRate));
    for (let frame = 0; 2 * frame < bytes.length; frame += CHUNK_FRAMES) {
      session.writeAudio(frame, bytes.subarray(2 * frame, 2 * (frame + CHUNK_FRAMES)));
      do await nextTurn();
      while (session.isBusy || queue.isBusy);
    }
    session.end();
    await listener.untilEnded();
    const shown = listener.interims.filter((interim) => interim.text !== '');
    const withdrawn = listener.interims.at(-1);
    expect(shown.length).toBeGreaterThan(0);
    expect(withdrawn?.text).toBe('');
    expect(withdrawn?.startSample).toBe(shown[0]?.startSample);
    expect(withdrawn?.revision).toBeGreaterThan(shown.at(-1)?.revision ?? Infinity);
    expect(listener.events.slice(-2).map((event) => ('kind' in event ? event.kind : 'withdrawal'))).not.toContain(
      'final',
    );
  });

  it('are what was decoded for the final, too, as soon as it is there', async () => {
    const { listener } = await speakLive([...SENTENCE, { silenceMs: 700 }]);
    const [final] = listener.decisions;
    const last = listener.interims.at(-1);
    if (final?.kind !== 'final') throw new Error('the first decision is not a final');
    expect(last).toMatchObject({ text: final.transcript.text, endSample: final.transcript.endSample });
    expect(last?.revision).toBeLessThan(final.transcript.revision);
  });

  it('are so, too, when the speaker went on after all', async () => {
    const pause: ToneSpeechPart = { silenceMs: 250 };
    const { listener, decodes } = await speakLive(['alpha', 'bravo', pause, 'charlie', { silenceMs: 700 }], 5_000);
    expect(decodes.map(({ purpose }) => purpose)).toEqual(['final', 'final']);
    expect(listener.interims.map(({ text }) => text)).toEqual(['alpha bravo', 'alpha bravo charlie']);
  });

  it('begin soon, whatever their interval', async () => {
    const { listener } = await speakLive([...SENTENCE, ...SENTENCE, { silenceMs: 700 }], 2_000);
    const lengths = listener.interims.map(({ startSample, endSample }) => (endSample - startSample) / 16);
    expect(lengths[0]).toBeLessThanOrEqual(800);
    expect(lengths[1]).toBeGreaterThanOrEqual(2_000);
  });

  it('can be turned off', async () => {
    const { listener, decodes } = await speakLive([...SENTENCE, { silenceMs: 700 }], 0);
    expect(listener.interims).toEqual([]);
    expect(decodes).toHaveLength(1);
  });
});

describe('a final', () => {
  it('is decoded as soon as silence begins, once, and told when the silence has lasted', async () => {
    const { listener, decodes } = await speakLive([...SENTENCE, { silenceMs: 700 }], 0);
    const [final] = listener.decisions;
    if (final?.kind !== 'final') throw new Error('the first decision is not a final');
    expect(decodes).toEqual([{ purpose: 'final', samples: final.transcript.endSample - final.transcript.startSample }]);
  });

  it('is decoded anew when the speaker went on after a pause', async () => {
    const pause: ToneSpeechPart = { silenceMs: 250 };
    const { listener, decodes } = await speakLive(['alpha', 'bravo', pause, 'charlie', { silenceMs: 700 }], 0);
    expect(listener.texts).toEqual(['alpha bravo charlie']);
    expect(decodes).toHaveLength(2);
    expect(decodes[1]?.samples).toBeGreaterThan(decodes[0]?.samples ?? Infinity);
  });

  it('never lets the progress pass it while it waits for its words', async () => {
    const { listener } = await speakLive([...SENTENCE, { silenceMs: 700 }, ...SENTENCE], 500);
    expect(listener.progress).toEqual(listener.progress.toSorted((a, b) => a - b));
    expect(listener.progress.at(-1)).toBe(2 * SENTENCE.length * 3_200 + 700 * 16);
  });
});
