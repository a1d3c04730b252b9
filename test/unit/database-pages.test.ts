import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Page, PageRequest, SegmentFilter, SessionFilter, SessionOrder } from '../../src/database/lists.ts';
import { InvalidCursorError } from '../../src/database/store-errors.ts';
import {
  batch,
  finalSegment,
  interimSegment,
  newSession,
  progress,
  useTemporaryDatabase,
} from './database-fixtures.ts';

const FIELDS = ['CREATED_AT', 'TITLE', 'TOTAL_DURATION', 'TOTAL_SEGMENTS', 'AVERAGE_CONFIDENCE'] as const;
const ORDERS = FIELDS.flatMap((field) => [{ field, direction: 'ASC' } as const, { field, direction: 'DESC' } as const]);
const NEWEST_FIRST: SessionOrder = { field: 'CREATED_AT', direction: 'DESC' };

type ListPage = (page: PageRequest) => Promise<Page<{ readonly id: string }>>;
const ids = (page: Page<{ readonly id: string }>) => page.items.map((item) => item.node.id);

/** Walks the whole list in one direction, and checks at each page what it says about its neighbours. */
async function walk(list: ListPage, size: number, direction: 'forwards' | 'backwards'): Promise<string[]> {
  const seen: string[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page: Page<{ readonly id: string }> =
      direction === 'forwards'
        ? await list({ first: size, ...(cursor !== undefined && { after: cursor }) })
        : await list({ last: size, ...(cursor !== undefined && { before: cursor }) });
    const behind = direction === 'forwards' ? page.hasPreviousPage : page.hasNextPage;
    const ahead = direction === 'forwards' ? page.hasNextPage : page.hasPreviousPage;
    expect(behind).toBe(seen.length > 0);
    if (direction === 'forwards') seen.push(...ids(page));
    else seen.unshift(...ids(page));
    if (!ahead) return seen;
    expect(page.items).toHaveLength(size);
    cursor = direction === 'forwards' ? page.items.at(-1)?.cursor : page.items[0]?.cursor;
  }
}

/** Reads the pages that a client can ask for with two cursors, and compares with a slice of the whole list. */
async function expectSlices(list: ListPage, all: readonly string[]): Promise<void> {
  const whole = (await list({ first: 100 })).items;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(all.length - 1),
      fc.nat(all.length - 1),
      fc.nat(all.length + 1),
      fc.boolean(),
      async (from, to, size, fromEnd) => {
        const page = await list({
          ...(fromEnd ? { last: size } : { first: size }),
          ...(whole[from] && { after: whole[from].cursor }),
          ...(whole[to] && { before: whole[to].cursor }),
        });
        const range = all.slice(from + 1, Math.max(to, from + 1));
        expect(ids(page)).toEqual(fromEnd ? range.slice(Math.max(0, range.length - size)) : range.slice(0, size));
        // The rows at both cursors exist and lie outside the page.
        expect(page).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
      },
    ),
    { numRuns: 40 },
  );
}

describe('listing sessions', () => {
  const database = useTemporaryDatabase();

  /** Forty sessions with few distinct values, so that there are ties and absent values in every order. */
  async function createSessions(): Promise<void> {
    const { store } = database();
    const titles = [null, 'Bee', 'ant', 'Ant', '100 %', '100 x', 'a_b', String.raw`back\slash`];
    for (let index = 0; index < 40; index += 1) {
      // Ids in another order than the dates.
      const id = `session ${String((index * 17) % 40).padStart(2, '0')}`;
      await store.createSession(
        newSession(id, {
          title: titles[index % titles.length] ?? null,
          language: index % 3 === 0 ? 'de' : 'en',
          externalId: index === 5 ? 'five' : null,
          createdAt: new Date(Date.UTC(2026, 0, 1 + Math.floor(index / 3))),
        }),
      );
      const totalSegments = index % 4;
      const statistics = {
        totalSegments,
        averageConfidence: totalSegments === 0 ? null : 1 / (totalSegments + 2),
        totalDuration: (index % 5) * 0.1,
      };
      const status = index % 2 === 0 ? 'COMPLETED' : 'ACTIVE';
      await store.commitBatch(batch(id, 0, 1, { session: progress({ status, statistics }) }));
    }
  }

  it.each(ORDERS)(
    'by $field $direction gives every session once, forwards and backwards, in one order',
    async (order) => {
      await createSessions();
      const { store, other } = database();
      const list: ListPage = (page) => store.listSessions({}, order, page);
      const column = order.field.toLowerCase();
      const expected = other
        .prepare(
          `SELECT id FROM sessions ORDER BY ${column} IS NULL, ${column} ${order.direction}, id ${order.direction}`,
        )
        .pluck()
        .all();

      expect(expected).toHaveLength(40);
      for (const size of [1, 7, 40]) {
        expect(await walk(list, size, 'forwards')).toEqual(expected);
        expect(await walk(list, size, 'backwards')).toEqual(expected);
      }
      await expectSlices(list, expected.map(String));
    },
  );

  it('keeps only the sessions that the filter names', async () => {
    await createSessions();
    const { store, other } = database();
    const filters: [SessionFilter, string][] = [
      [{ statuses: ['ACTIVE'] }, `status = 'active'`],
      [{ statuses: ['ACTIVE', 'COMPLETED', 'FAILED'] }, '1'],
      [{ statuses: [] }, '0'],
      [{ language: 'de' }, `language = 'de'`],
      [{ externalId: 'five' }, `external_id = 'five'`],
      [{ titleContains: 'ANT' }, `title IN ('ant', 'Ant')`],
      [{ titleContains: '0 %' }, `title = '100 %'`],
      [{ titleContains: '_' }, `title = 'a_b'`],
      [{ titleContains: '\\' }, `title LIKE 'back%'`],
      [
        { from: new Date('2026-01-03'), to: new Date('2026-01-05') },
        `substr(created_at, 1, 10) IN ('2026-01-03', '2026-01-04')`,
      ],
      [
        { language: 'de', statuses: ['ACTIVE'], to: new Date('2026-01-05') },
        `language = 'de' AND status = 'active' AND created_at < '2026-01-05'`,
      ],
    ];
    for (const [filter, condition] of filters) {
      const expected = other
        .prepare(`SELECT id FROM sessions WHERE ${condition} ORDER BY created_at DESC, id DESC`)
        .pluck()
        .all();
      expect(await walk((page) => store.listSessions(filter, NEWEST_FIRST, page), 3, 'forwards')).toEqual(expected);
      expect(await walk((page) => store.listSessions(filter, NEWEST_FIRST, page), 3, 'backwards')).toEqual(expected);
    }
  });

  it('goes on at the right place when the session of the cursor is gone and others came', async () => {
    await createSessions();
    const { store, other } = database();
    const list: ListPage = (page) => store.listSessions({}, NEWEST_FIRST, page);
    const before = ids(await list({ first: 40 }));
    const first = await list({ first: 10 });
    other.prepare('DELETE FROM sessions WHERE id = ?').run(before[9]);
    await store.createSession(newSession('the newest', { createdAt: new Date('2026-06-01') }));

    const second = await list({ first: 10, after: String(first.items[9]?.cursor) });
    expect(ids(second)).toEqual(before.slice(10, 20));
  });

  it('answers for an empty list and for pages of no items', async () => {
    const { store } = database();
    const list: ListPage = (page) => store.listSessions({}, NEWEST_FIRST, page);
    expect(await list({ first: 5 })).toEqual({ items: [], hasNextPage: false, hasPreviousPage: false });
    await store.createSession(newSession('a'));
    expect(await list({ first: 0 })).toEqual({ items: [], hasNextPage: true, hasPreviousPage: false });
    expect(await list({ last: 0 })).toEqual({ items: [], hasNextPage: false, hasPreviousPage: true });
  });

  it.each([{}, { first: 1, last: 1 }, { first: -1 }, { first: 101 }, { last: 1.5 }])(
    'refuses the page %j',
    async (page) => {
      await expect(database().store.listSessions({}, NEWEST_FIRST, page)).rejects.toThrow(RangeError);
    },
  );

  it('refuses cursors that it did not make, and those of another order or list', async () => {
    const { store } = database();
    await store.createSession(newSession('a'));
    const byTitle = await store.listSessions({}, { field: 'TITLE', direction: 'ASC' }, { first: 1 });
    const forged = Buffer.from('["sessions by CREATED_AT",["yesterday","a"]]').toString('base64url');
    for (const after of ['', 'nonsense', '💥', forged, String(byTitle.items[0]?.cursor)]) {
      await expect(store.listSessions({}, NEWEST_FIRST, { first: 1, after })).rejects.toThrow(InvalidCursorError);
      await expect(store.listSegments({}, { last: 1, before: after })).rejects.toThrow(InvalidCursorError);
    }
  });
});

describe('listing segments across sessions', () => {
  const database = useTemporaryDatabase();
  const ORDER = 's.created_at DESC, s.id DESC, g.start_ms, g.id';

  async function createSegments(): Promise<void> {
    const { store } = database();
    // Two of the sessions are of the same instant, and channels speak at the same time.
    const days = { d: 4, b: 2, c: 2, a: 7 };
    for (const [id, day] of Object.entries(days)) {
      const createdAt = new Date(Date.UTC(2026, 0, day));
      const audioFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 } as const;
      await store.createSession(newSession(id, { createdAt, audioFormat }));
      const finals = Array.from({ length: 9 }, (_, index) =>
        finalSegment(id, index + 1, {
          channel: index % 2,
          startMs: Math.floor(index / 2) * 1000,
          text: index % 3 === 0 ? `Hello ${id}` : '50% of it_',
        }),
      );
      const interims = [interimSegment(id, `${id} interim`, { startMs: 9000 })];
      const session = progress({ statistics: { totalSegments: finals.length } });
      await store.commitBatch(batch(id, 0, 1, { finals, interims, session }));
    }
  }

  it('gives every segment once, newest session first, forwards and backwards', async () => {
    await createSegments();
    const { store, other } = database();
    const list: ListPage = (page) => store.listSegments({}, page);
    const expected = other
      .prepare(`SELECT g.id FROM segments g JOIN sessions s ON s.id = g.session_id ORDER BY ${ORDER}`)
      .pluck()
      .all();
    expect(expected).toHaveLength(40);
    for (const size of [1, 7, 40]) {
      expect(await walk(list, size, 'forwards')).toEqual(expected);
      expect(await walk(list, size, 'backwards')).toEqual(expected);
    }
    await expectSlices(list, expected.map(String));
  });

  it('gives every hit of a search once, the session first that was started last, forwards and backwards', async () => {
    await createSegments();
    const { store, other } = database();
    const list: ListPage = (page) => store.listSegments({ search: 'hello' }, page);
    // Started in another order than their dates say.
    const expected = other
      .prepare(`SELECT id FROM segments WHERE text LIKE 'Hello%' ORDER BY instr('acbd', session_id), sequence`)
      .pluck()
      .all();
    expect(expected).toHaveLength(12);
    for (const size of [1, 5, 12]) {
      expect(await walk(list, size, 'forwards')).toEqual(expected);
      expect(await walk(list, size, 'backwards')).toEqual(expected);
    }
    await expectSlices(list, expected.map(String));

    const within: ListPage = (page) => store.listSegments({ search: 'hello', sessionId: 'b' }, page);
    expect(await walk(within, 2, 'forwards')).toEqual(expected.slice(6, 9));
    const [everywhere] = (await store.listSegments({}, { first: 1 })).items;
    const ofAnotherList = store.listSegments({ search: 'hello' }, { first: 1, after: String(everywhere?.cursor) });
    await expect(ofAnotherList).rejects.toThrow(InvalidCursorError);
  });

  it('keeps only the segments that the filter names', async () => {
    await createSegments();
    const { store, other } = database();
    const filters: [SegmentFilter, string][] = [
      [{ sessionId: 'b' }, `g.session_id = 'b'`],
      [{ kind: 'INTERIM' }, `g.kind = 'interim'`],
      [{ kind: 'FINAL', channel: 1 }, `g.kind = 'final' AND g.channel = 1`],
      [{ textContains: 'HELLO C' }, `g.text = 'Hello c'`],
      [{ textContains: '%' }, `g.text LIKE '50%'`],
      [{ textContains: 'x_' }, '0'],
      [{ from: new Date('2026-01-02'), to: new Date('2026-01-04') }, `s.id IN ('b', 'c')`],
      [{ sessionId: 'a', kind: 'FINAL', textContains: 'it_' }, `s.id = 'a' AND g.text LIKE '50%'`],
    ];
    for (const [filter, condition] of filters) {
      const expected = other
        .prepare(
          `SELECT g.id FROM segments g JOIN sessions s ON s.id = g.session_id WHERE ${condition} ORDER BY ${ORDER}`,
        )
        .pluck()
        .all();
      expect(await walk((page) => store.listSegments(filter, page), 4, 'forwards')).toEqual(expected);
      expect(await walk((page) => store.listSegments(filter, page), 4, 'backwards')).toEqual(expected);
    }
  });
});
