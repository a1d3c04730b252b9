import { afterEach, describe, expect, it, vi } from 'vitest';
import { AudioLog } from '../../src/log/audio-log.ts';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import type { SessionRequest } from '../../src/services/session-request.ts';
import { systemError } from '../support/faulty-file-system.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices } from '../support/services.ts';
import { until } from '../support/wait.ts';

const RATE = 16_000;
const request: SessionRequest = {
  externalId: null,
  title: null,
  language: 'en',
  audioFormat: { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 1 },
  speakers: [],
  metadata: null,
};
const SPEECH = bytesOf(synthesiseToneSpeech(['alpha', { silenceMs: 800 }], RATE));

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a recogniser that can follow one session', () => {
  const services = useServices();

  it('is given no second one while the first sends audio, and never refuses the first', async () => {
    services().recogniser.capacity = 1;
    const { id } = await services().sessions.start(request);
    await services().audio.send(id, 0, SPEECH);
    await expect(services().sessions.start(request)).rejects.toMatchObject({
      code: 'OVERLOADED',
      details: { retryAfterMs: expect.any(Number) },
    });
    await services().audio.send(id, 1, SPEECH);
    expect(await services().sessions.end(id, 2)).toMatchObject({ statistics: { totalSegments: 2 } });
    expect(await services().sessions.start(request)).toMatchObject({ status: 'ACTIVE' });
  });

  it('is given another one beside a session that has fallen silent', async () => {
    services().recogniser.capacity = 1;
    const { id } = await services().sessions.start(request);
    await services().audio.send(id, 0, SPEECH);
    await until(async () => (await services().reader.session(id))?.statistics.totalSegments === 1);
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 31_000);
    expect(await services().sessions.start(request)).toMatchObject({ status: 'ACTIVE' });
  });
});

describe('a recogniser that can follow two channels', () => {
  const services = useServices();

  it('is given no session beside one that has two, since each is a stream of its own', async () => {
    services().recogniser.capacity = 2;
    const stereo = { ...request, audioFormat: { ...request.audioFormat, channels: 2 } };
    const { id } = await services().sessions.start(stereo);
    await services().audio.send(id, 0, SPEECH);
    await expect(services().sessions.start(request)).rejects.toMatchObject({ code: 'OVERLOADED' });
  });

  it('is given one beside a session that has one', async () => {
    services().recogniser.capacity = 2;
    const { id } = await services().sessions.start(request);
    await services().audio.send(id, 0, SPEECH);
    expect(await services().sessions.start(request)).toMatchObject({ status: 'ACTIVE' });
  });
});

describe('a session that could not be opened at the start for a reason that passes', () => {
  const services = useServices();

  it('is opened a minute later without anybody asking for it, and says so meanwhile', async () => {
    const { id } = await services().sessions.start(request);
    await services().audio.send(id, 0, SPEECH);
    vi.spyOn(AudioLog, 'open').mockRejectedValueOnce(systemError('EIO'));
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const { reader, warnings, sessions } = await services().restart();
    const record = await reader.session(id);
    if (record === null) throw new Error('the session is gone');
    expect(warnings.of(record).map(({ code }) => code)).toEqual(['NOT_RECOVERED']);

    await vi.advanceTimersByTimeAsync(60_000);
    await until(() => warnings.of(record).length === 0);
    expect(await sessions.end(id, 1)).toMatchObject({ status: 'COMPLETED', statistics: { totalSegments: 1 } });
  });
});
