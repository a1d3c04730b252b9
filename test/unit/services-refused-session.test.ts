import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices } from '../support/services.ts';
import { until } from '../support/wait.ts';

const RATE = 16_000;
const current = useServices({ retryPauses: { firstMs: 1, longestMs: 2 } });

function inDatabase(sql: string): void {
  const other = new BetterSqlite3(path.join(current().directory, 'verbatim.db'));
  other.exec(sql);
  other.close();
}

it('a session whose segments the database refused says so, and gets them in at a later start', async () => {
  inDatabase("CREATE TRIGGER refuse BEFORE INSERT ON segments BEGIN SELECT RAISE(ABORT, 'refused'); END");
  const audioFormat = { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 1 } as const;
  const request = { externalId: null, title: null, language: 'en', speakers: [], metadata: null, audioFormat };
  const { id } = await current().sessions.start(request);
  const speech = synthesiseToneSpeech(['alpha', { silenceMs: 800 }, 'bravo', { silenceMs: 800 }], RATE);
  await current().audio.send(id, 0, bytesOf(speech));
  // It has what it acknowledged, and does not ask for it again.
  expect(await current().sessions.end(id, 1)).toMatchObject({ status: 'FAILED', nextSequence: 1 });

  const textsNow = async () => {
    const all = { sessionId: id, afterSequence: 0, beforeSequence: Infinity, limit: 9, fromEnd: false };
    return (await current().database.store.finalsBySequence([all])).flat().map(({ text }) => text);
  };
  const expectFailed = async () => {
    const failed = await until(async () => {
      const record = await current().database.store.findSession(id);
      return record?.status === 'FAILED' && record;
    });
    await until(() =>
      current()
        .warnings.of(failed)
        .some(({ code }) => code === 'DATABASE_REFUSED'),
    );
    expect(failed).toMatchObject({ nextSequence: 1, coverage: { transcribedMs: 0 } });
    expect(failed.coverage.receivedMs).toBe(failed.coverage.pendingMs);
    expect(failed.coverage.receivedMs).toBeGreaterThan(0);
    expect(await textsNow()).toEqual([]);
  };
  await expectFailed();
  await current().restart();
  await expectFailed();

  inDatabase('DROP TRIGGER refuse');
  await current().restart();
  const completed = await until(async () => {
    const record = await current().database.store.findSession(id);
    return record?.status === 'COMPLETED' && record;
  });
  expect(completed).toMatchObject({
    endReason: 'CLIENT',
    statistics: { totalSegments: 2 },
    coverage: { pendingMs: 0 },
  });
  expect(await textsNow()).toEqual(['alpha', 'bravo']);
  await until(() => current().warnings.of(completed).length === 0);
});
