import { describe, expect, it } from 'vitest';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { SessionLogDirectory } from '../../src/services/session-logs.ts';
import { Waveforms } from '../../src/services/waveforms/waveforms.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices, type TestServices } from '../support/services.ts';
import { until } from '../support/wait.ts';
import { recordingLogger } from './segment-writer-fixtures.ts';

const RATE = 16_000;
const alpha = bytesOf(synthesiseToneSpeech(['alpha', { silenceMs: 800 }], RATE));
const alphaMs = (alpha.length / 2 / RATE) * 1_000;

async function idleSession({ sessions, audio, reader }: TestServices): Promise<string> {
  const { id } = await sessions.start({
    externalId: null,
    title: null,
    language: 'en',
    audioFormat: { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 1 },
    speakers: [],
    metadata: null,
  });
  await audio.send(id, 0, alpha);
  await until(async () => (await reader.session(id))?.status === 'COMPLETED');
  return id;
}

/** As soon as so much was measured. */
function measured(waveforms: Waveforms, { reader }: TestServices, id: string, durationMs: number) {
  return until(async () => {
    const session = await reader.session(id);
    const waveform = session === null ? null : await waveforms.of(session, 1_000);
    return waveform?.measuredMs === durationMs && waveform;
  });
}

describe('the waveform of a session', () => {
  const services = useServices({ idleTimeoutMs: 200 });

  function waveformsWith(own: { patienceMs?: number; hasRoom?: boolean }): Waveforms {
    const { logger } = recordingLogger();
    return new Waveforms({
      recordings: services().recordings,
      logs: new SessionLogDirectory(services().directory, logger),
      hasRoom: () => own.hasRoom ?? true,
      logger,
      now: () => performance.now(),
      patienceMs: own.patienceMs,
    });
  }

  it('is answered with what is known of it, while a recording is read that takes long', async () => {
    const id = await idleSession(services());
    const hurried = waveformsWith({ patienceMs: 0 });
    const session = await services().reader.session(id);
    expect(session && (await hurried.of(session, 1_000))).toMatchObject({
      durationMs: alphaMs,
      measuredMs: 0,
      peaks: [[]],
    });
    const { stretchMs, peaks } = await measured(hurried, services(), id, alphaMs);
    expect(peaks[0]).toHaveLength(Math.ceil(alphaMs / stretchMs));
  });

  it.each([
    ['kept on the disk', true],
    ['kept in memory, since the disk is full', false],
  ])('is that of the whole session, when one went on that had ended: %s', async (_where, hasRoom) => {
    const id = await idleSession(services());
    const waveforms = waveformsWith({ hasRoom });
    await measured(waveforms, services(), id, alphaMs);
    await services().audio.send(id, 1, alpha);
    await until(async () => (await services().reader.session(id))?.status === 'COMPLETED');
    const { peaks } = await measured(waveforms, services(), id, 2 * alphaMs);
    expect(peaks[0]?.slice(0, 100)).toEqual(peaks[0]?.slice(peaks[0].length / 2, peaks[0].length / 2 + 100));
  });
});
