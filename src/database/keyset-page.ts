import type { CursorFormat } from './cursors.ts';
import type { Page, PageRequest } from './lists.ts';

const MAX_PAGE_SIZE = 100;

/** Which part of a list: what is beyond the keys, or with `inclusive` also the keys' own rows. */
export interface KeyRange<Key> {
  readonly after: Key | null;
  readonly before: Key | null;
  readonly inclusive: boolean;
}

/**
 * A list in a total order that can be entered at any key. Keyset pagination: a page costs the same wherever it is,
 * and rows that come or go before it do not shift it. https://use-the-index-luke.com/no-offset
 */
export interface KeysetList<Row, Key, Stretch> {
  readonly cursors: CursorFormat<Key>;
  keyOf(row: Row): Key;
  /**
   * A range as stretches that follow each other, each of which an index has as one run of rows. One condition for all of
   * them, joined with OR, would make the database read from the list's start to the key.
   */
  stretches(range: KeyRange<Key>): readonly Stretch[];
  /** The `limit` rows nearest to the start of the stretch, or with `fromEnd` to its end; nearest first. */
  rows(stretch: Stretch, limit: number, fromEnd: boolean): Promise<Row[]>;
  isEmpty(stretch: Stretch): Promise<boolean>;
}

/**
 * One page, in a number of queries that depends on the request alone, or in fewer. `hasNextPage` and `hasPreviousPage`
 * tell whether rows follow and precede the page in the whole list, whichever way it is read.
 *
 * @throws RangeError when the request has not exactly one of `first` and `last`, or a size outside 0..100
 * @throws InvalidCursorError
 */
export async function keysetPage<Row, Key, Stretch, Node>(
  list: KeysetList<Row, Key, Stretch>,
  request: PageRequest,
  toNode: (row: Row) => Node,
): Promise<Page<Node>> {
  const { size, fromEnd } = windowOf(request);
  const after = request.after === undefined ? null : list.cursors.decode(request.after);
  const before = request.before === undefined ? null : list.cursors.decode(request.before);

  const rows = await nearest(list, { after, before, inclusive: false }, size + 1, fromEnd);
  const moreInRange = rows.length > size;
  const page = rows.slice(0, size);
  if (fromEnd) page.reverse();
  const precede = after !== null && (await exists(list, { after: null, before: after, inclusive: true }));
  const follow = before !== null && (await exists(list, { after: before, before: null, inclusive: true }));
  return {
    items: page.map((row) => ({ node: toNode(row), cursor: list.cursors.encode(list.keyOf(row)) })),
    hasNextPage: follow || (!fromEnd && moreInRange),
    hasPreviousPage: precede || (fromEnd && moreInRange),
  };
}

async function nearest<Row, Key, Stretch>(
  list: KeysetList<Row, Key, Stretch>,
  range: KeyRange<Key>,
  limit: number,
  fromEnd: boolean,
): Promise<Row[]> {
  const stretches = list.stretches(range);
  const found: Row[] = [];
  for (const stretch of fromEnd ? stretches.toReversed() : stretches) {
    found.push(...(await list.rows(stretch, limit - found.length, fromEnd)));
    if (found.length >= limit) break;
  }
  return found;
}

async function exists<Row, Key, Stretch>(list: KeysetList<Row, Key, Stretch>, range: KeyRange<Key>): Promise<boolean> {
  for (const stretch of list.stretches(range)) if (!(await list.isEmpty(stretch))) return true;
  return false;
}

function windowOf({ first, last }: PageRequest): { size: number; fromEnd: boolean } {
  const size = first ?? last;
  if (size === undefined || (first !== undefined && last !== undefined)) {
    throw new RangeError('A page needs exactly one of "first" and "last"');
  }
  if (!Number.isInteger(size) || size < 0 || size > MAX_PAGE_SIZE) {
    throw new RangeError(`A page has 0 to ${MAX_PAGE_SIZE} items, not ${size}`);
  }
  return { size, fromEnd: last !== undefined };
}
