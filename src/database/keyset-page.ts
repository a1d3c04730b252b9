import type { CursorFormat } from './cursors.ts';
import type { Page, PageRequest } from './session-store.ts';

const MAX_PAGE_SIZE = 100;

/**
 * A list in a total order that can be entered at any key. Keyset pagination: a page costs the same wherever it is,
 * and rows that come or go before it do not shift it. https://use-the-index-luke.com/no-offset
 */
export interface KeysetList<Row, Key> {
  readonly cursors: CursorFormat<Key>;
  keyOf(row: Row): Key;
  /** The `limit` rows nearest to the start of the range, or with `fromEnd` to its end; nearest first. */
  rows(range: { after: Key | null; before: Key | null }, limit: number, fromEnd: boolean): Promise<Row[]>;
  existsAtOrBefore(key: Key): Promise<boolean>;
  existsAtOrAfter(key: Key): Promise<boolean>;
}

/**
 * One page, in at most three queries. `hasNextPage` and `hasPreviousPage` tell whether rows follow and precede the
 * page in the whole list, whichever way it is read.
 *
 * @throws RangeError when the request has not exactly one of `first` and `last`, or a size outside 0..100
 * @throws InvalidCursorError
 */
export async function keysetPage<Row, Key, Node>(
  list: KeysetList<Row, Key>,
  request: PageRequest,
  toNode: (row: Row) => Node,
): Promise<Page<Node>> {
  const { size, fromEnd } = windowOf(request);
  const after = request.after === undefined ? null : list.cursors.decode(request.after);
  const before = request.before === undefined ? null : list.cursors.decode(request.before);

  const rows = await list.rows({ after, before }, size + 1, fromEnd);
  const moreInRange = rows.length > size;
  const page = rows.slice(0, size);
  if (fromEnd) page.reverse();
  const precede = after !== null && (await list.existsAtOrBefore(after));
  const follow = before !== null && (await list.existsAtOrAfter(before));
  return {
    items: page.map((row) => ({ node: toNode(row), cursor: list.cursors.encode(list.keyOf(row)) })),
    hasNextPage: follow || (!fromEnd && moreInRange),
    hasPreviousPage: precede || (fromEnd && moreInRange),
  };
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
