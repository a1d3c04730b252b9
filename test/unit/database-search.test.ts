import { cp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyDatabase } from '../../src/database/backup.ts';
import { migrate, MIGRATIONS_FOLDER } from '../../src/database/migrations.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import type { SegmentFilter } from '../../src/database/lists.ts';
import type { SessionStore } from '../../src/database/session-store.ts';
import { UnsearchableTextError } from '../../src/database/store-errors.ts';
import {
  batch,
  finalSegment,
  interimSegment,
  newSession,
  progress,
  useTemporaryDatabase,
  useTemporaryFolder,
} from './database-fixtures.ts';

/** A session in which these sentences were said, one after the other. */
async function say(store: SessionStore, id: string, ...sentences: string[]): Promise<void> {
  await store.createSession(newSession(id));
  const finals = sentences.map((text, index) => finalSegment(id, index + 1, { text }));
  const session = progress({ statistics: { totalSegments: finals.length } });
  await store.commitBatch(batch(id, 0, 1, { finals, session }));
}

/** What is found, with brackets around each highlight. */
async function find(store: SessionStore, search: string, filter: SegmentFilter = {}): Promise<string[]> {
  const { items } = await store.listSegments({ ...filter, search }, { first: 100 });
  return items.map(({ node: { text }, highlights = [] }) =>
    highlights.reduceRight(
      (marked, { start, end }) => `${marked.slice(0, start)}[${marked.slice(start, end)}]${marked.slice(end)}`,
      text,
    ),
  );
}

/** Whether the index has the finals that there are, each under its own key, and nothing else. */
function expectSound(database: BetterSqlite3.Database): void {
  expect(
    database.prepare('SELECT rowid AS key, text FROM segment_search ORDER BY rowid').all(),
    'the index and the finals',
  ).toEqual(
    database
      .prepare(
        `SELECT g.sequence - n.number * 2147483648 AS key, g.text FROM segments g
         JOIN session_numbers n USING (session_id) WHERE g.kind = 'final' ORDER BY 1`,
      )
      .all(),
  );
  database.exec(`INSERT INTO segment_search (segment_search, rank) VALUES ('integrity-check', 1)`);
}

describe('a search for what was said', () => {
  const database = useTemporaryDatabase();

  it('finds words as people type them, and marks them', async () => {
    const { store } = database();
    await say(
      store,
      'a',
      'the old harbour',
      'Harbour lights',
      'Zoë went to the café 👩‍🚀, naïve as ever',
      "I don't know",
      '3.5 million, 1,000 at most',
      'not and near or',
    );
    const found: [what: string, search: string, marked: string[]][] = [
      ['one word, in either case', 'HARBOUR', ['the old [harbour]', '[Harbour] lights']],
      ['all words, in any order', 'old the', ['[the] [old] harbour']],
      ['the beginning of the last word', 'the har', ['[the] old [harbour]']],
      ['not the beginning of another word', 'har the', []],
      ['a whole word, when something follows it', 'harb ', []],
      ['one letter as a word of its own', 'h', []],
      ['words in quotation marks as they stand', '"the old"', ['[the old] harbour']],
      ['and not otherwise', '"old the"', []],
      ['also while the second mark is not yet typed', '"the ol', ['[the old] harbour']],
      ['without regard to diacritics', 'zoe cafe', ['[Zoë] went to the [café] 👩‍🚀, naïve as ever']],
      ['and with them where the text has none', 'hàrboür lights', ['[Harbour] [lights]']],
      ['behind characters of two code units', 'naive', ['Zoë went to the café 👩‍🚀, [naïve] as ever']],
      ['contractions, whichever apostrophe they have', 'don’t', ["I [don't] know"]],
      ['numbers with what stands in them', '3.5', ['[3.5] million, 1,000 at most']],
      ['and numbers by their groups', '1,000', ['3.5 million, [1,000] at most']],
      [
        'beside punctuation and symbols, which do not matter',
        '¿ harbour? 🎉 !!',
        ['the old [harbour]', '[Harbour] lights'],
      ],
      ['words that mean something to the index as words', 'NOT AND near', ['[not] [and] [near] or']],
    ];
    for (const [what, search, marked] of found) expect(await find(store, search), what).toEqual(marked);
  });

  it('says when there is nothing to look for, or too much', async () => {
    const { store } = database();
    for (const search of ['', ' ', '""', '"', '*', '-- ', '🎉', '“”', '^:(){}', '\0', 'word '.repeat(51)]) {
      await expect(store.listSegments({ search }, { first: 1 }), search).rejects.toThrow(UnsearchableTextError);
    }
  });

  it('takes whatever somebody types as text', async () => {
    const { store } = database();
    await say(store, 'a', 'alpha bravo', 'charlie "delta" echo*', 'text:alpha NEAR(alpha bravo, 2) {text} ^foxtrot');
    const syntax = fc.constantFrom(
      '"',
      '*',
      'AND',
      'OR',
      'NOT',
      'NEAR(',
      ')',
      'text:',
      '^',
      '+',
      '-',
      '{',
      ' ',
      '\0',
      "'",
    );
    const pieces = fc.oneof(syntax, fc.constantFrom('alpha', 'bravo', 'é', '🎉'), fc.string({ unit: 'binary' }));
    const typed = fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(typed, async (search) => {
        const found = await find(store, search).catch((error: unknown) => {
          if (error instanceof UnsearchableTextError) return [];
          throw error;
        });
        for (const text of found) expect(text).toContain('[');
      }),
      { numRuns: 200 },
    );
    await expect(find(store, 'a1'.repeat(500))).resolves.toEqual([]);
    await expect(find(store, Array.from({ length: 50 }, (_, index) => `w${index}`).join(' '))).resolves.toEqual([]);
  });

  it('lets a write come before the others that wait', async () => {
    const { store } = database();
    await store.createSession(newSession('busy'));
    const done: string[] = [];
    const searches = Array.from({ length: 8 }, (_, index) =>
      store.listSegments(index % 2 === 0 ? { search: 'the' } : { textContains: 'the' }, { first: 1 }),
    );
    const write = store.updateTitle('busy', 'Meeting');
    await Promise.all([
      ...searches.map((search) => search.then(() => done.push('search'))),
      write.then(() => done.push('write')),
    ]);
    expect(done.indexOf('write')).toBeLessThan(3);
  });

  it('keeps to the other conditions', async () => {
    const { store } = database();
    const days = [1, 2, 3].map((day) => new Date(Date.UTC(2026, 0, day)));
    for (const [index, createdAt] of days.entries()) {
      const id = `day ${index + 1}`;
      await store.createSession(newSession(id, { createdAt }));
      const finals = [0, 1].map((channel) =>
        finalSegment(id, channel + 1, { text: `${id} channel ${channel}`, channel }),
      );
      await store.commitBatch(batch(id, 0, 1, { finals, session: progress({ statistics: { totalSegments: 2 } }) }));
    }
    const [first, second, third] = days;
    expect(await find(store, '"day"', { sessionId: 'day 2' })).toEqual(['[day] 2 channel 0', '[day] 2 channel 1']);
    expect(await find(store, '"day"', { sessionId: 'day 9' })).toEqual([]);
    expect(await find(store, '"day"', { sessionId: 'day 1', channel: 1 })).toEqual(['[day] 1 channel 1']);
    expect(await find(store, '"day"', { from: second, channel: 0 })).toEqual([
      '[day] 3 channel 0',
      '[day] 2 channel 0',
    ]);
    expect(await find(store, '"day"', { to: second, channel: 0 })).toEqual(['[day] 1 channel 0']);
    expect(await find(store, '"day"', { from: first, to: third, channel: 0 })).toHaveLength(2);
    expect(await find(store, '"day"', { from: third, to: first })).toEqual([]);
    expect(await find(store, '"day"', { textContains: '3 CHANNEL 1' })).toEqual(['[day] 3 channel 1']);
    expect(await find(store, '"day"', { kind: 'INTERIM' })).toEqual([]);
    expect(await find(store, '"day"', { kind: 'FINAL', sessionId: 'day 3', channel: 0 })).toHaveLength(1);
  });
});

describe('the index of what was said', () => {
  const database = useTemporaryDatabase();
  const folder = useTemporaryFolder();

  it('has finals as soon as they are stored, and no interims', async () => {
    const { store, other } = database();
    await say(store, 'a');
    const interims = [interimSegment('a', 'a:0:1', { text: 'a draft' })];
    await store.commitBatch(batch('a', 1, 2, { interims }));
    expect(await find(store, 'draft')).toEqual([]);
    const finals = [finalSegment('a', 1, { text: 'no draft any more' })];
    await store.commitBatch(batch('a', 2, 3, { finals, session: progress({ statistics: { totalSegments: 1 } }) }));
    expect(await find(store, 'draft')).toEqual(['no [draft] any more']);
    expectSound(other);
  });

  it('follows a text that is changed, and one that is changed back', async () => {
    const { store, other } = database();
    await say(store, 'a', 'wreck a nice beach', 'today');
    const change = other.prepare('UPDATE segments SET text = ?, revision = revision + 1 WHERE id = ?');
    change.run('recognise speech', 'a:0:1');
    expect(await find(store, 'beach')).toEqual([]);
    expect(await find(store, 'speech')).toEqual(['recognise [speech]']);
    expectSound(other);
    change.run('wreck a nice beach', 'a:0:1');
    change.run('today', 'a:0:2');
    expect(await find(store, 'speech')).toEqual([]);
    expect(await find(store, 'beach')).toHaveLength(1);
    expectSound(other);
  });

  it('forgets a session that is deleted, whoever deletes it, and keeps the others', async () => {
    const { store, other } = database();
    for (const id of ['a', 'b', 'c', 'd']) await say(store, id, `said in ${id}`);
    await store.deleteSession('d', new Date());
    other.prepare(`DELETE FROM sessions WHERE id IN ('a', 'c')`).run();
    expect(await find(store, 'said')).toEqual(['[said] in b']);
    expectSound(other);
    await say(store, 'e');
    expectSound(other);
    expect(other.prepare('SELECT COUNT(*) FROM session_numbers').pluck().get()).toBe(2);
  });

  it('has each final once after its journal was cut and is written again', async () => {
    const { store, other } = database();
    await say(store, 'a');
    const said = (texts: string[]) => texts.map((text, index) => finalSegment('a', index + 1, { text }));
    const session = (totalSegments: number) => progress({ statistics: { totalSegments } });
    await store.commitBatch(batch('a', 1, 9, { finals: said(['one', 'two', 'three']), session: session(3) }));
    await store.rewindCheckpoint('a', 1);
    await store.commitBatch(batch('a', 1, 5, { finals: said(['one', 'too']), session: session(2) }));
    expectSound(other);
    expect(await find(store, 'two')).toEqual([]);
    await store.commitBatch(
      batch('a', 5, 6, { session: progress({ status: 'COMPLETED', statistics: { totalSegments: 2 } }) }),
    );
    expect(await find(store, 'three')).toEqual([]);
    expect(await find(store, 'too')).toEqual(['[too]']);
    expectSound(other);
  });

  it('means the same segments after VACUUM, in a backup, and after a restart', async () => {
    const opened = database();
    const { store, other, file } = opened;
    for (const id of ['a', 'b', 'c']) await say(store, id, `said ${id} 1`, `said ${id} 2`);
    await store.deleteSession('a', new Date());
    const expected = ['[said] c 1', '[said] c 2', '[said] b 1', '[said] b 2'];
    other.exec('VACUUM');
    expectSound(other);
    expect(await find(store, 'said')).toEqual(expected);

    const copy = path.join(folder(), 'copy.db');
    await copyDatabase(file, copy, new AbortController().signal);
    await opened.close();
    for (const url of [`file:${file}`, `file:${copy}`]) {
      const reopened = await openDatabase({ url });
      expect(await find(reopened.store, 'said')).toEqual(expected);
      await say(reopened.store, 'd');
      await reopened.close();
      const looked = new BetterSqlite3(url.slice('file:'.length));
      expectSound(looked);
      looked.close();
    }
  });

  it('is filled with what was said before there was one', async () => {
    const older = path.join(folder(), 'migrations');
    await cp(MIGRATIONS_FOLDER, older, { recursive: true });
    const names = await readdir(older);
    const since = names.toSorted().findIndex((name) => name.endsWith('_add_segment_search'));
    for (const name of names.toSorted().slice(since)) {
      if (name !== 'migration_lock.toml') await rm(path.join(older, name), { recursive: true });
    }
    const file = path.join(folder(), 'older.db');
    await migrate(file, { folder: older, busyPatienceMs: 0 });
    const before = new BetterSqlite3(file);
    for (const [index, id] of ['first', 'last', 'between'].entries()) {
      const day = [1, 5, 3][index] ?? 0;
      before.exec(`
        INSERT INTO sessions (id, status, language, audio_encoding, sample_rate, channels, created_at)
        VALUES ('${id}', 'active', 'en', 'pcm_s16le', 16000, 1, '2026-01-0${day}T00:00:00.000+00:00');
        INSERT INTO segments (id, session_id, sequence, revision, kind, text, start_ms, end_ms, words, channel, created_at)
        VALUES ('${id}.2', '${id}', 2, 1, 'final', '${id} words', 1, 2, '[]', 0, '2026-01-01T00:00:00.000+00:00'),
          ('${id}.1', '${id}', 1, 1, 'final', '${id} other words', 0, 1, '[]', 0, '2026-01-01T00:00:00.000+00:00'),
          ('${id}.3', '${id}', NULL, 1, 'interim', 'words so far', 2, 3, '[]', 0, '2026-01-01T00:00:00.000+00:00');`);
    }
    before.close();

    const opened = await openDatabase({ url: `file:${file}` });
    const { store } = opened;
    const inOrder = ['last', 'between', 'first'].flatMap((id) => [`${id} other [words]`, `${id} [words]`]);
    expect(await find(store, 'words')).toEqual(inOrder);
    await say(store, 'new');
    await store.deleteSession('last', new Date());
    expect(await find(store, 'words')).toEqual(inOrder.slice(2));
    await opened.close();
    const after = new BetterSqlite3(file);
    expectSound(after);
    after.close();
  });
});
