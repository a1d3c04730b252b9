import { describe, expect, it } from 'vitest';
import { SessionList } from '../../web/src/dashboard/session-list.ts';
import { Gate } from '../support/gate.ts';
import { until } from '../support/wait.ts';
import { clientThat } from './web-session-fixtures.ts';

function page(ids: readonly string[], next: string | null) {
  const edges = ids.map((id) => ({ node: { id, title: null, status: 'COMPLETED' } }));
  return { data: { sessions: { edges, pageInfo: { hasNextPage: next !== null, endCursor: next } } } };
}

/** A list of which the first page is loaded, and a second look at it is on its way until the gate opens. */
async function refreshing() {
  const gate = new Gate();
  let looks = 0;
  const { client } = clientThat(async function* (name, { after }) {
    if (name !== 'Sessions') return yield { data: { statistics: { totalSessions: 3 } } };
    if (after !== null) return yield page(['c'], null);
    looks += 1;
    if (looks > 1) await gate.opened;
    yield page(looks > 1 ? ['new', 'a', 'b'] : ['a', 'b'], 'b');
  });
  const list = new SessionList(client, { filter: null, orderBy: null });
  await list.loadMore();
  const refreshed = list.refresh();
  await until(() => looks > 1);
  const ids = () => list.get().sessions.map(({ id }) => id);
  return { list, refreshed, gate, ids };
}

describe('a list of recordings', () => {
  it('loads as far as somebody was before, or as there is', async () => {
    const { client } = clientThat(async function* (name, { after }) {
      if (name !== 'Sessions') return yield { data: { statistics: { totalSessions: 6 } } };
      const from = Number(after ?? 0);
      yield page([`${from}`, `${from + 1}`], from < 4 ? `${from + 2}` : null);
    });
    for (const [wanted, loaded] of [
      [0, 2],
      [3, 4],
      [9, 6],
    ] as const) {
      const list = new SessionList(client, { filter: null, orderBy: null });
      await list.reachFor(wanted);
      expect(list.get().sessions.length).toBe(loaded);
    }
  });
});

describe('a list of recordings that is looked at again', () => {
  it('has the page that was loaded meanwhile', async () => {
    const { list, refreshed, gate, ids } = await refreshing();
    await list.loadMore();
    expect(ids()).toEqual(['a', 'b', 'c']);
    gate.open();
    await refreshed;
    expect(ids()).toEqual(['new', 'a', 'b', 'c']);
  });

  it('does not show what was deleted meanwhile', async () => {
    const { list, refreshed, gate, ids } = await refreshing();
    list.remove('b');
    gate.open();
    await refreshed;
    expect(ids()).toEqual(['new', 'a']);
  });
});
