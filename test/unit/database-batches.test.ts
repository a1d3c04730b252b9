import type BetterSqlite3 from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Prisma } from '../../src/database/generated/prisma/client.ts';
import type { Database } from '../../src/database/open-database.ts';
import { PrismaSessionStore } from '../../src/database/prisma-session-store.ts';
import type { Segment } from '../../src/database/session-records.ts';
import type { SessionStore } from '../../src/database/session-store.ts';
import { DatabaseRefusedError } from '../../src/database/store-errors.ts';
import {
  batch,
  finalSegment,
  interimSegment,
  newSession,
  progress,
  useTemporaryDatabase,
} from './database-fixtures.ts';

const ALL = { afterSequence: 0, beforeSequence: Number.MAX_SAFE_INTEGER, limit: 10_000, fromEnd: false };

const WAYS = [
  { way: 'in one message to the database', storeOf: ({ store }: Database): SessionStore => store },
  { way: 'through Prisma alone', storeOf: ({ client }: Database): SessionStore => new PrismaSessionStore(client) },
];

describe.each(WAYS)('commitBatch, $way,', ({ storeOf }) => {
  const opened = useTemporaryDatabase();
  const database = () => ({ ...opened(), store: storeOf(opened()) });

  /** Everything that a batch could change, as it stands in the file. */
  function contents(): unknown[] {
    const { other } = database();
    return [
      ...other.prepare('SELECT * FROM sessions ORDER BY id').all(),
      ...other.prepare('SELECT * FROM segments ORDER BY id').all(),
    ];
  }

  it('stores finals, interims, statistics and the checkpoint together', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const finals = [finalSegment('a', 1), finalSegment('a', 2)];
    const interim = interimSegment('a', 'a:0:3000');
    const session = progress({
      status: 'FINALIZING',
      endReason: 'CLIENT',
      nextSequence: 41,
      statistics: {
        totalSegments: 2,
        averageConfidence: 0.9,
        totalDuration: 1.9,
        wordCount: 4,
        speakingDuration: 1.8,
        wordsPerMinute: 4 / (1.8 / 60),
      },
      coverage: { receivedMs: 3100, transcribedMs: 1800, silenceMs: 700, gapMs: 300, failedMs: 200, pendingMs: 100 },
    });

    expect(await store.commitBatch(batch('a', 0, 500, { finals, interims: [interim], session }))).toBe('applied');

    expect((await store.finalsBySequence([{ sessionId: 'a', ...ALL }]))[0]).toEqual(finals);
    expect(await store.interimsOf('a')).toEqual([interim]);
    expect(await store.findSession('a')).toEqual({
      ...newSession('a'),
      ...session,
      originalSpeakers: [null],
      journalPosition: 500,
      recordingRemovedAt: null,
    });
  });

  it('changes nothing when the same batch is applied again', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const first = batch('a', 0, 100, { finals: [finalSegment('a', 1)], interims: [interimSegment('a', 'a:0:9')] });
    await store.commitBatch(first);
    const before = contents();

    expect(await store.commitBatch(first)).toBe('already-applied');
    expect(contents()).toEqual(before);
  });

  it('changes nothing when a batch comes again after later ones', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const first = batch('a', 0, 100, { finals: [finalSegment('a', 1)] });
    await store.commitBatch(first);
    await store.commitBatch(batch('a', 100, 200, { finals: [finalSegment('a', 2)] }));
    const before = contents();

    expect(await store.commitBatch(first)).toBe('already-applied');
    expect(contents()).toEqual(before);
  });

  it.each([
    ['ahead of the checkpoint', 'a', 50, 100],
    ['behind it, beyond its end', 'a', 0, 100],
    ['of an unknown session', 'unknown', 0, 100],
  ])('refuses a batch that starts %s, and says where the checkpoint is', async (_where, sessionId, from, to) => {
    const { store } = database();
    await store.createSession(newSession('a'));
    await store.commitBatch(batch('a', 0, 20));
    const before = contents();

    const refused = store.commitBatch(batch(sessionId, from, to, { finals: [finalSegment(sessionId, 1)] }));

    await expect(refused).rejects.toThrow(DatabaseRefusedError);
    await expect(refused).rejects.toThrow(sessionId === 'a' ? /is at 20/ : /does not have/);
    expect(contents()).toEqual(before);
  });

  it('leaves nothing of a batch that fails in the middle, and the checkpoint where it was', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    await store.commitBatch(
      batch('a', 0, 100, { finals: [finalSegment('a', 1)], interims: [interimSegment('a', 'i')] }),
    );
    const before = contents();
    // 600 rows take two statements; the last row repeats a sequence number.
    const many = Array.from({ length: 600 }, (_, index) => finalSegment('a', index + 2));
    const broken = [...many, finalSegment('a', 2, { id: 'same sequence' })];

    await expect(store.commitBatch(batch('a', 100, 200, { finals: broken }))).rejects.toThrow(DatabaseRefusedError);
    expect(contents()).toEqual(before);

    expect(await store.commitBatch(batch('a', 100, 200, { finals: many }))).toBe('applied');
    expect((await store.finalsBySequence([{ sessionId: 'a', ...ALL }]))[0]).toHaveLength(601);
  });

  it('replaces an interim by its final, which has the same id', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    await store.commitBatch(batch('a', 0, 0, { interims: [interimSegment('a', 'utterance', { text: 'hell' })] }));
    expect(await store.findSegment('utterance')).toMatchObject({ kind: 'INTERIM', text: 'hell' });

    const final = finalSegment('a', 1, { id: 'utterance', text: 'hello', revision: 4 });
    await store.commitBatch(batch('a', 0, 80, { finals: [final] }));

    expect(await store.findSegment('utterance')).toEqual(final);
    expect(await store.interimsOf('a')).toEqual([]);
  });

  it('leaves no interim in a session that is completed, whatever the batch has', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    await store.commitBatch(batch('a', 0, 0, { interims: [interimSegment('a', 'one')] }));
    const interims = [interimSegment('a', 'another')];
    await store.commitBatch(batch('a', 0, 10, { interims, session: progress({ status: 'COMPLETED' }) }));
    expect(await store.interimsOf('a')).toEqual([]);
    expect(await store.countSegments(['a', 'b'])).toEqual(new Map());
  });

  it('keeps of the interims only those of the latest batch, and leaves other sessions alone', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    await store.createSession(newSession('b'));
    await store.commitBatch(batch('b', 0, 0, { interims: [interimSegment('b', 'b1')] }));
    await store.commitBatch(
      batch('a', 0, 0, { interims: [interimSegment('a', 'left'), interimSegment('a', 'right', { channel: 1 })] }),
    );
    await store.commitBatch(
      batch('a', 0, 0, { interims: [interimSegment('a', 'right', { channel: 1, revision: 2, text: 'further' })] }),
    );

    expect(await store.interimsOf('a')).toMatchObject([{ id: 'right', revision: 2, text: 'further' }]);
    expect(await store.interimsOf('b')).toMatchObject([{ id: 'b1' }]);

    await store.commitBatch(batch('a', 0, 0));
    expect(await store.interimsOf('a')).toEqual([]);
  });

  it('applies a batch without journal entries each time, but not once the checkpoint has moved on', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const standing = batch('a', 0, 0, { session: progress({ nextSequence: 7 }) });
    expect(await store.commitBatch(standing)).toBe('applied');
    expect(await store.commitBatch(standing)).toBe('applied');
    await store.commitBatch(batch('a', 0, 10, { session: progress({ nextSequence: 9 }) }));

    expect(await store.commitBatch(standing)).toBe('already-applied');
    expect(await store.findSession('a')).toMatchObject({ nextSequence: 9, journalPosition: 10 });
  });

  it('follows journals beyond 4 GiB', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const far = 2 ** 40 + 1;
    await store.commitBatch(batch('a', 0, far));
    expect(await store.commitBatch(batch('a', far, far + 1))).toBe('applied');
    expect(await store.findSession('a')).toMatchObject({ journalPosition: far + 1 });
  });

  it.each([
    ['finals without moving the checkpoint', { toPosition: 0, finals: [finalSegment('a', 1)] }],
    ['a checkpoint that goes back', { toPosition: -1 }],
    ['segments of another session', { finals: [finalSegment('b', 1)] }],
    ['a final without sequence', { finals: [finalSegment('a', 1, { sequence: null })] }],
    ['an interim with a sequence', { interims: [interimSegment('a', 'i', { sequence: 3 })] }],
  ])('refuses %s', async (_what, changes) => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const before = contents();
    await expect(store.commitBatch(batch('a', 0, 100, changes))).rejects.toThrow(DatabaseRefusedError);
    expect(contents()).toEqual(before);
  });

  it('stores each final once, whatever part of the batches is retried', async () => {
    const { store } = database();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ size: fc.nat(7), attempts: fc.integer({ min: 1, max: 3 }) })),
        async (plan) => {
          const id = `session ${(run += 1)}`;
          await store.createSession(newSession(id));
          const expected: Segment[] = [];
          let position = 0;
          for (const { size, attempts } of plan) {
            const finals = Array.from({ length: size }, (_, index) => finalSegment(id, expected.length + 1 + index));
            const attempt = batch(id, position, position + 1 + size, { finals });
            for (let count = 0; count < attempts; count += 1) await store.commitBatch(attempt);
            position = attempt.toPosition;
            expected.push(...finals);
          }
          expect((await store.finalsBySequence([{ sessionId: id, ...ALL }]))[0]).toEqual(expected);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('a batch', () => {
  const database = useTemporaryDatabase();

  const progressOf = (totalSegments: number) =>
    progress({
      status: 'FINALIZING',
      endReason: 'IDLE_TIMEOUT',
      endedAt: new Date('2026-03-14T10:00:00.120Z'),
      nextSequence: 41,
      statistics: {
        totalSegments,
        averageConfidence: 1 / 3,
        totalDuration: 1.9,
        wordCount: 4,
        speakingDuration: 1.8,
        wordsPerMinute: 4 / (1.8 / 60),
      },
      coverage: { receivedMs: 3100, transcribedMs: 1800, silenceMs: 700, gapMs: 300, failedMs: 200, pendingMs: 100 },
    });
  const audioFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 } as const;
  const recorded = newSession('a', { audioFormat, speakers: [null, 'Zoë'] });
  const full = finalSegment('a', 1, { speaker: 'Zoë', channel: 1, avgConfidence: 1 / 3, revision: 7 });
  const bare = finalSegment('a', 2, { avgConfidence: null, words: [], text: '' });
  const interims = [interimSegment('a', 'interim', { text: 'so \u{1F600} far' })];
  const whole = batch('a', 0, 2 ** 40, { finals: [full, bare], interims, session: progressOf(2) });

  it('stands in every column as Prisma would write it, whichever way it goes', async () => {
    const { client, store, other } = database();
    const written = [];
    for (const way of [store, new PrismaSessionStore(client)]) {
      await client.session.deleteMany();
      await way.createSession(recorded);
      await way.commitBatch(whole);
      written.push([quotedRows(other, 'sessions'), quotedRows(other, 'segments')]);
    }
    expect(written[0]).toEqual(written[1]);

    const rows = await client.segment.findMany({ orderBy: { id: 'asc' } });
    await client.segment.deleteMany();
    await client.segment.createMany({
      data: rows.map((row) => ({ ...row, words: z.json().parse(row.words) ?? [], originalWords: Prisma.DbNull })),
    });
    expect(quotedRows(other, 'segments')).toEqual(written[0]?.[1]);
  });

  it('leaves no column of the model out', async () => {
    const { client, store } = database();
    await store.createSession(recorded);
    const transcribed = { text: 'corrected', words: [] };
    const change = { segmentId: full.id, sessionId: 'a', transcribed, speaker: 'Zoé', revision: 7, at: new Date() };
    await store.editSegment(change);
    await store.commitBatch(whole);
    const row = await client.segment.findUniqueOrThrow({ where: { id: full.id } });
    expect(Object.keys(row).toSorted()).toEqual(Object.keys(Prisma.SegmentScalarFieldEnum).toSorted());
    expect(Object.entries(row).filter(([, value]) => value === null)).toEqual([]);
  });
});

/** All rows of a table, each value as SQL writes it: with its type, and every digit. */
function quotedRows(connection: BetterSqlite3.Database, table: 'sessions' | 'segments'): unknown[] {
  const columns = connection.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table);
  const quoted = columns.map((name) => `quote(${String(name)}) AS ${String(name)}`);
  return connection.prepare(`SELECT ${quoted.join(', ')} FROM ${table} ORDER BY id`).all();
}
