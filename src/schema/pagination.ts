import type { Page, PageRequest } from '../database/lists.ts';
import { ServiceError } from '../services/errors.ts';
import { builder } from './builder.ts';

const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;

/** What a list with these arguments costs: its page, and what finding it takes when that is a search across sessions. */
export const listCost = { page: { byDefault: DEFAULT_PAGE_SIZE, atMost: MAX_PAGE_SIZE } };
export const searchCost = { ...listCost, own: 1_000 };

/** The arguments of every list, as of the Relay cursor connections specification. https://relay.dev/graphql/connections.htm */
export const pageArguments = builder.args((t) => ({
  first: t.int({
    description: `How many items from the start, or after \`after\`: 0 to ${MAX_PAGE_SIZE}, ${DEFAULT_PAGE_SIZE} by default. Not together with \`last\`.`,
  }),
  after: t.string({ description: 'Only items after the one with this cursor.' }),
  last: t.int({ description: `How many items from the end, or before \`before\`: 0 to ${MAX_PAGE_SIZE}.` }),
  before: t.string({ description: 'Only items before the one with this cursor.' }),
}));

export interface PageArguments {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly last?: number | null;
  readonly before?: string | null;
}

/** @throws ServiceError `BAD_USER_INPUT` when they contradict each other or ask for too much. */
export function toPageRequest(page: PageArguments): PageRequest {
  const first = pageSize('first', page.first);
  const last = pageSize('last', page.last);
  if (first !== undefined && last !== undefined) {
    throw new ServiceError('BAD_USER_INPUT', 'Give `first` or `last`, not both.');
  }
  const size = last === undefined ? { first: first ?? DEFAULT_PAGE_SIZE } : { last };
  return { ...size, after: page.after ?? undefined, before: page.before ?? undefined };
}

function pageSize(name: string, size: number | null | undefined): number | undefined {
  if (size === null || size === undefined) return undefined;
  if (size >= 0 && size <= MAX_PAGE_SIZE) return size;
  throw new ServiceError(
    'BAD_USER_INPUT',
    `\`${name}\` must be from 0 to ${MAX_PAGE_SIZE}: ask for more with the cursor of the last item.`,
  );
}

/** The shape that Pothos' connections have. */
export interface ConnectionOf<T> {
  readonly edges: { readonly cursor: string; readonly node: T }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

export function toConnection<T>(page: Page<T>): ConnectionOf<T> {
  return {
    edges: page.items.map(({ node, cursor }) => ({ node, cursor })),
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
      startCursor: page.items[0]?.cursor ?? null,
      endCursor: page.items.at(-1)?.cursor ?? null,
    },
  };
}
