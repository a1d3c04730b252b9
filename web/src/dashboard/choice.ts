import type { SessionChoice } from './session-list.ts';

export const ORDERS = {
  newest: { label: 'Newest first', orderBy: { field: 'CREATED_AT', direction: 'DESC' } },
  oldest: { label: 'Oldest first', orderBy: { field: 'CREATED_AT', direction: 'ASC' } },
  title: { label: 'By title', orderBy: { field: 'TITLE', direction: 'ASC' } },
  longest: { label: 'Longest first', orderBy: { field: 'TOTAL_DURATION', direction: 'DESC' } },
  surest: { label: 'Highest confidence first', orderBy: { field: 'AVERAGE_CONFIDENCE', direction: 'DESC' } },
  unsurest: { label: 'Lowest confidence first', orderBy: { field: 'AVERAGE_CONFIDENCE', direction: 'ASC' } },
} as const;

export const STATUSES = {
  all: { label: 'All', statuses: null },
  live: { label: 'Live now', statuses: ['ACTIVE', 'FINALIZING'] },
  completed: { label: 'Completed', statuses: ['COMPLETED'] },
  failed: { label: 'Failed', statuses: ['FAILED'] },
} as const;

export type OrderName = keyof typeof ORDERS;
export type StatusName = keyof typeof STATUSES;

/** What the address of the dashboard asks for. */
export interface Chosen {
  /** What is searched for, as it was typed. */
  readonly words: string;
  /** Only titles are searched, and all that match are listed. */
  readonly onlyTitles: boolean;
  readonly status: StatusName;
  readonly order: OrderName;
}

export function readChosen(search: URLSearchParams): Chosen {
  const [status, order] = [search.get('status') ?? '', search.get('sort') ?? ''];
  return {
    words: search.get('q') ?? '',
    onlyTitles: search.get('in') === 'titles',
    status: isStatus(status) ? status : 'all',
    order: isOrder(order) ? order : 'newest',
  };
}

/** What is usual is left out. */
export function writeChosen({ words, onlyTitles, status, order }: Chosen): URLSearchParams {
  return new URLSearchParams({
    ...(words !== '' && { q: words, ...(onlyTitles && { in: 'titles' }) }),
    ...(status !== 'all' && { status }),
    ...(order !== 'newest' && { sort: order }),
  });
}

export function choiceOf({ words, status, order }: Omit<Chosen, 'onlyTitles'>): SessionChoice {
  const { statuses } = STATUSES[status];
  return {
    filter: {
      ...(words.trim() !== '' && { titleContains: words.trim() }),
      ...(statuses !== null && { statuses: [...statuses] }),
    },
    orderBy: ORDERS[order].orderBy,
  };
}

export function isStatus(name: string): name is StatusName {
  return Object.hasOwn(STATUSES, name);
}

export function isOrder(name: string): name is OrderName {
  return Object.hasOwn(ORDERS, name);
}
