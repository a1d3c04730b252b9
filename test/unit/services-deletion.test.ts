import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { SessionStore } from '../../src/database/session-store.ts';
import { DatabaseUnavailableError } from '../../src/database/store-errors.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { ServiceError } from '../../src/services/errors.ts';
import { SessionLogDirectory } from '../../src/services/session-logs.ts';
import type { SessionRequest } from '../../src/services/session-request.ts';
import { systemError } from '../support/faulty-file-system.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices, type TestServices } from '../support/services.ts';
import { until } from '../support/wait.ts';

const RATE = 16_000;
const request: SessionRequest = {
  externalId: 'meeting',
  title: 'Meeting',
  language: 'en',
  audioFormat: { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 1 },
  speakers: [],
  metadata: null,
};
const speech = (...words: ToneSpeechPart[]) => bytesOf(synthesiseToneSpeech([...words, { silenceMs: 800 }], RATE));
const notFound = { code: 'NOT_FOUND' };

async function completedSession({ sessions, audio }: TestServices): Promise<string> {
  const { id } = await sessions.start(request);
  await audio.send(id, 0, speech('alpha', { silenceMs: 800 }, 'bravo'));
  expect(await sessions.end(id, 1)).toMatchObject({ status: 'COMPLETED', statistics: { totalSegments: 2 } });
  return id;
}

async function expectGone({ directory, reader, sessions, audio, database }: TestServices, id: string): Promise<void> {
  expect(await reader.session(id)).toBeNull();
  await expect(audio.send(id, 0, speech('alpha'))).rejects.toMatchObject(notFound);
  await expect(sessions.end(id, null)).rejects.toMatchObject(notFound);
  await expect(sessions.segments(id, 0)).rejects.toMatchObject(notFound);
  const { items } = await database.store.listSegments({ textContains: 'a' }, { first: 100 });
  expect(items).toEqual([]);
  expect(existsSync(path.join(directory, 'sessions', id))).toBe(false);
}

const codeOf = (error: unknown) => (error instanceof ServiceError ? error.code : error);

/** Makes one method of the store fail once, as when the database is locked at that moment. */
function failOnce(store: SessionStore, method: 'ping' | 'deleteSession'): void {
  vi.spyOn(store, method).mockRejectedValueOnce(new DatabaseUnavailableError('locked'));
}

describe('a session that is deleted', () => {
  const services = useServices();

  it('is gone with its segments and its recording, and its externalId is free', async () => {
    const id = await completedSession(services());
    await services().deletion.delete(id);
    await expectGone(services(), id);
    await expect(services().deletion.delete(id)).rejects.toMatchObject(notFound);
    expect((await services().sessions.start(request)).id).not.toBe(id);
    await expectGone(await services().restart(), id);
  });

  it('while it runs stops, completes its subscriptions, and does not come back', async () => {
    const { sessions, audio, deletion } = services();
    const { id } = await sessions.start(request);
    const segments = await sessions.segments(id, 0);
    const updates = await sessions.updates(id);
    await audio.send(id, 0, speech('alpha'));
    await until(async () => (await services().reader.session(id))?.statistics.totalSegments === 1);

    await deletion.delete(id);
    const shown: string[] = [];
    for await (const { kind, text } of segments) if (kind === 'FINAL') shown.push(text);
    expect(shown.filter((text) => text !== 'alpha')).toEqual([]);
    const statuses: string[] = [];
    for await (const { status } of updates) statuses.push(status);
    expect(statuses).not.toContain('COMPLETED');
    await expectGone(services(), id);
    await expectGone(await services().restart(), id);
  });

  it('while chunks, its end and another deletion are on their way harms none of them: each is done, or told that there is no such session', async () => {
    const { sessions, audio, deletion, directory } = services();
    const chunk = speech('alpha');
    const codes = new Set<unknown>();
    const settled = (outcome: Promise<unknown>) => outcome.catch((error: unknown) => codes.add(codeOf(error)));
    for (let round = 0; round < 10; round += 1) {
      const { id } = await sessions.start({ ...request, externalId: null });
      const requests: Promise<unknown>[] = [];
      for (let sequence = 0; sequence < 12; sequence += 1) {
        requests.push(settled(audio.send(id, sequence, chunk)));
        if (sequence === round) {
          requests.push(...[deletion.delete(id), deletion.delete(id), sessions.end(id, null)].map(settled));
        }
        // Lets what was begun go on for some turns of the event loop.
        if (sequence % 3 === 0) await new Promise(setImmediate);
      }
      await Promise.all(requests);
      expect(await services().reader.session(id)).toBeNull();
    }
    expect(readdirSync(path.join(directory, 'sessions'))).toEqual([]);
    const known: unknown[] = ['NOT_FOUND', 'SESSION_NOT_ACTIVE', 'AUDIO_OUT_OF_ORDER'];
    expect([...codes].filter((code) => !known.includes(code))).toEqual([]);
  });

  it('stays deleted when the server ended before its recording was removed, and the next start removes that', async () => {
    const id = await completedSession(services());
    const remove = vi.spyOn(SessionLogDirectory.prototype, 'remove').mockRejectedValueOnce(systemError('EIO'));
    await services().deletion.delete(id);
    remove.mockRestore();
    expect(existsSync(path.join(services().directory, 'sessions', id, 'audio.log'))).toBe(true);
    expect(await services().reader.session(id)).toBeNull();
    await expectGone(await services().restart(), id);
    expect(await services().database.store.findDeletedSessions()).toEqual([]);
  });

  it('goes on undisturbed when the database does not answer', async () => {
    const { sessions, audio, deletion, database } = services();
    const { id } = await sessions.start(request);
    const segments = await sessions.segments(id, 0);
    failOnce(database.store, 'ping');
    await expect(deletion.delete(id)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await audio.send(id, 0, speech('alpha'));
    let next = await segments.next();
    while (next.value?.kind !== 'FINAL') next = await segments.next();
    expect(await sessions.end(id, 1)).toMatchObject({ statistics: { totalSegments: 1 } });
  });

  it('is whole when the database fails in the last moment: it is opened again, and ends with every word', async () => {
    const { sessions, audio, deletion, database } = services();
    const { id } = await sessions.start(request);
    await audio.send(id, 0, speech('alpha'));
    failOnce(database.store, 'deleteSession');
    await expect(deletion.delete(id)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await audio.send(id, 1, speech('bravo'));
    expect(await sessions.end(id, 2)).toMatchObject({ status: 'COMPLETED', statistics: { totalSegments: 2 } });
  });
});

describe('a session whose title is changed', () => {
  const services = useServices();

  it('has the new one at once while it runs, keeps it to its end, and tells its subscribers', async () => {
    const { sessions, audio, reader } = services();
    const { id } = await sessions.start(request);
    const updates = await sessions.updates(id);
    await audio.send(id, 0, speech('alpha'));
    expect(await sessions.update(id, { title: 'Board' })).toMatchObject({ id, title: 'Board' });
    let update = await updates.next();
    while (update.value?.title !== 'Board') update = await updates.next();
    await sessions.end(id, 1);
    expect(await reader.session(id)).toMatchObject({ title: 'Board', statistics: { totalSegments: 1 } });
  });

  it('may have none, and stays as it is when nothing is asked for', async () => {
    const { sessions } = services();
    const id = await completedSession(services());
    expect(await sessions.update(id, { title: undefined })).toMatchObject({ title: 'Meeting' });
    expect(await sessions.update(id, { title: null })).toMatchObject({ title: null });
    await expect(sessions.update(id, { title: 'x'.repeat(501) })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(sessions.update('unknown', { title: 'x' })).rejects.toMatchObject(notFound);
  });
});
