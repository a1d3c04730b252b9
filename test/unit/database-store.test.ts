import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Segment } from '../../src/database/session-records.ts';
import type { NewSession } from '../../src/database/session-store.ts';
import { ExternalIdTakenError } from '../../src/database/store-errors.ts';
import {
  batch,
  finalSegment,
  interimSegment,
  newSession,
  progress,
  useTemporaryDatabase,
} from './database-fixtures.ts';

describe('a session', () => {
  const database = useTemporaryDatabase();

  it('comes back as it was given, active and with nothing received', async () => {
    const { store } = database();
    const session: NewSession = {
      id: '0199-a',
      externalId: 'meeting/42',
      title: 'Møte 🎙',
      language: 'en-GB',
      audioFormat: { encoding: 'MULAW', sampleRate: 8_000, channels: 2 },
      speakers: ['Ann O’Neil', null],
      metadata: { room: 'Ø', tags: ['a', null, 1.5], nested: { deep: true } },
      createdAt: new Date('2026-03-14T09:26:53.589Z'),
    };
    await store.createSession(session);
    const originalSpeakers = session.speakers;
    const expected = { ...session, ...progress(), originalSpeakers, journalPosition: 0, recordingRemovedAt: null };
    expect(await store.findSession('0199-a')).toEqual(expected);
    expect(await store.findSessionByExternalId('meeting/42')).toEqual(expected);
    expect(await store.findSessions(['0199-a', 'unknown'])).toEqual([expected]);
    const listed = await store.listSessions({}, { field: 'CREATED_AT', direction: 'DESC' }, { first: 1 });
    expect(listed.items.map((item) => item.node)).toEqual([expected]);
  });

  it('keeps any JSON of the client and any instant to the millisecond', async () => {
    const { store } = database();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        // Not a bare number, which SQLite may round, nor the key `__proto__`, which Prisma takes out.
        fc.jsonValue().filter((value) => typeof value !== 'number' && !JSON.stringify(value).includes('__proto__')),
        fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        async (value, createdAt) => {
          // As it comes off the wire: JSON knows no -0.
          const metadata: unknown = JSON.parse(JSON.stringify(value));
          const id = `session ${(count += 1)}`;
          await store.createSession(newSession(id, { metadata, createdAt }));
          expect(await store.findSession(id)).toMatchObject({ metadata, createdAt });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is absent when unknown', async () => {
    const { store } = database();
    expect(await store.findSession('unknown')).toBeNull();
    expect(await store.findSessionByExternalId('unknown')).toBeNull();
    expect(await store.findSessions([])).toEqual([]);
    expect(await store.findSegment('unknown')).toBeNull();
  });

  it('has its external id for itself; sessions without one do not collide', async () => {
    const { store } = database();
    await store.createSession(newSession('a', { externalId: 'mine' }));
    await expect(store.createSession(newSession('b', { externalId: 'mine' }))).rejects.toThrow(ExternalIdTakenError);
    await store.createSession(newSession('c'));
    await store.createSession(newSession('d'));
    expect(await store.findSession('b')).toBeNull();
  });

  it('is among the open ones, oldest first, until it is completed or failed', async () => {
    const { store } = database();
    const statuses = ['COMPLETED', 'FINALIZING', 'FAILED', 'ACTIVE'] as const;
    for (const [index, status] of statuses.entries()) {
      await store.createSession(newSession(status, { createdAt: new Date(Date.UTC(2026, 0, 10 - index)) }));
      await store.commitBatch(batch(status, 0, 1, { session: progress({ status }) }));
    }
    expect((await store.findOpenSessions()).map((session) => session.id)).toEqual(['ACTIVE', 'FINALIZING']);
  });

  it('keeps how and when it ended', async () => {
    const { store } = database();
    for (const endReason of ['CLIENT', 'IDLE_TIMEOUT', 'MAX_DURATION', 'FAILURE'] as const) {
      const endedAt = new Date('2026-03-14T10:00:00.123Z');
      await store.createSession(newSession(endReason));
      await store.commitBatch(
        batch(endReason, 0, 1, { session: progress({ status: 'COMPLETED', endReason, endedAt }) }),
      );
      expect(await store.findSession(endReason)).toMatchObject({ status: 'COMPLETED', endReason, endedAt });
    }
  });
});

describe('the segments of a session', () => {
  const database = useTemporaryDatabase();
  const numbers = (segments: readonly Segment[]) => segments.map((segment) => segment.sequence);

  it('come back as they were given', async () => {
    const { store } = database();
    const audioFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 } as const;
    await store.createSession(newSession('a', { audioFormat, speakers: [null, "O'Neil"] }));
    const segments = [
      finalSegment('a', 1, { avgConfidence: 1 / 3, words: [], speaker: "O'Neil", channel: 1, text: '“naïve” — 100 %' }),
      finalSegment('a', 2, {
        avgConfidence: null,
        words: [{ text: 'no times', startMs: null, endMs: null, confidence: null }],
        createdAt: new Date('2026-12-31T23:59:59.999Z'),
      }),
    ];
    await store.commitBatch(batch('a', 0, 1, { finals: segments }));
    expect(await store.findSegment('a:0:1')).toEqual(segments[0]);
    expect(await store.findSegment('a:0:2')).toEqual(segments[1]);
    const listed = await store.listSegments({ sessionId: 'a' }, { first: 2 });
    expect(listed.items.map((item) => item.node)).toEqual(segments);
  });

  it('are read by sequence from either end of an open interval, always ascending', async () => {
    const { store } = database();
    for (const id of ['a', 'b']) {
      await store.createSession(newSession(id));
      const finals = Array.from({ length: 9 }, (_, index) => finalSegment(id, index + 1));
      await store.commitBatch(batch(id, 0, 1, { finals, interims: [interimSegment(id, `${id} interim`)] }));
    }
    const between = { afterSequence: 2, beforeSequence: 8 };
    const read = async (limit: number, fromEnd: boolean) => {
      const [finals = []] = await store.finalsBySequence([{ sessionId: 'a', ...between, limit, fromEnd }]);
      return numbers(finals);
    };
    expect(await read(3, false)).toEqual([3, 4, 5]);
    expect(await read(3, true)).toEqual([5, 6, 7]);
    expect(await read(100, false)).toEqual([3, 4, 5, 6, 7]);
    expect(await read(100, true)).toEqual([3, 4, 5, 6, 7]);
    expect(await read(0, false)).toEqual([]);
  });

  it('are read for many requests at once, each answered in its own place', async () => {
    const { store } = database();
    for (const id of ['a', 'b']) {
      await store.createSession(newSession(id));
      const finals = Array.from({ length: 4 }, (_, index) => finalSegment(id, index + 1));
      await store.commitBatch(batch(id, 0, 1, { finals }));
    }
    const all = { afterSequence: 0, beforeSequence: Infinity, limit: 2, fromEnd: false };
    const requests = Array.from({ length: 250 }, (_, index) => ({
      ...all,
      sessionId: index % 2 === 0 ? 'a' : 'b',
      fromEnd: index >= 200,
    }));
    const answers = await store.finalsBySequence([...requests, { ...all, sessionId: 'nobody' }]);
    expect(answers).toHaveLength(251);
    for (const [index, { sessionId, fromEnd }] of requests.entries()) {
      const answer = answers[index] ?? [];
      expect(answer.map((segment) => segment.sessionId)).toEqual([sessionId, sessionId]);
      expect(numbers(answer)).toEqual(fromEnd ? [3, 4] : [1, 2]);
    }
    expect(answers.at(-1)).toEqual([]);
    expect(answers[0]).toEqual([finalSegment('a', 1), finalSegment('a', 2)]);
  });
});

describe('somebody who looks into the database with SQL', () => {
  const database = useTemporaryDatabase();

  it('finds sessions and segments under the names and words that the documentation gives', async () => {
    const { store, other } = database();
    await store.createSession(newSession('older', { externalId: 'x-1', title: 'Older' }));
    await store.createSession(newSession('newer', { createdAt: new Date('2026-03-15T00:00:00Z') }));
    const statistics = { totalSegments: 2, averageConfidence: 0.85, totalDuration: 1.9 };
    await store.commitBatch(
      batch('older', 0, 1, {
        finals: [finalSegment('older', 2, { avgConfidence: 0.8 }), finalSegment('older', 1)],
        interims: [interimSegment('older', 'interim', { startMs: 3000, endMs: 3500, avgConfidence: null })],
        session: progress({ status: 'FINALIZING', statistics }),
      }),
    );

    expect(
      other
        .prepare(
          'SELECT id, external_id, title, status, total_segments, average_confidence, total_duration FROM sessions ORDER BY created_at DESC;',
        )
        .all(),
    ).toEqual([
      {
        id: 'newer',
        external_id: null,
        title: null,
        status: 'active',
        total_segments: 0,
        average_confidence: null,
        total_duration: 0,
      },
      {
        id: 'older',
        external_id: 'x-1',
        title: 'Older',
        status: 'finalizing',
        total_segments: 2,
        average_confidence: 0.85,
        total_duration: 1.9,
      },
    ]);
    const final = { kind: 'final', avg_confidence: 0.9 };
    expect(
      other
        .prepare(
          'SELECT id, kind, text, avg_confidence, start_ms, end_ms FROM segments WHERE session_id = ? ORDER BY start_ms;',
        )
        .all('older'),
    ).toEqual([
      { ...final, id: 'older:0:1', text: 'sentence 1', start_ms: 1000, end_ms: 1900 },
      { ...final, id: 'older:0:2', text: 'sentence 2', start_ms: 2000, end_ms: 2900, avg_confidence: 0.8 },
      { id: 'interim', kind: 'interim', text: 'so far', avg_confidence: null, start_ms: 3000, end_ms: 3500 },
    ]);
    expect(
      other.prepare('SELECT kind, COUNT(*) FROM segments WHERE session_id = ? GROUP BY kind;').all('older'),
    ).toEqual([
      { kind: 'final', 'COUNT(*)': 2 },
      { kind: 'interim', 'COUNT(*)': 1 },
    ]);
  });

  it('reads times as ISO 8601, in the order of time', async () => {
    const { store, other } = database();
    await store.createSession(newSession('a'));
    await store.commitBatch(batch('a', 0, 1, { finals: [finalSegment('a', 1)] }));
    expect(other.prepare('SELECT created_at FROM sessions').pluck().get()).toBe('2026-03-14T09:26:53.589+00:00');
    expect(other.prepare('SELECT created_at FROM segments').pluck().get()).toBe('2026-03-14T09:27:00.001+00:00');
  });
});
