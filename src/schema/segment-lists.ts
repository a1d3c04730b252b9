import type { Page, PageRequest, SegmentFilter, SegmentPage, TextRange } from '../database/lists.ts';
import type { Segment, SessionRecord } from '../database/session-records.ts';
import type { SessionReader } from '../services/session-reader.ts';
import { builder } from './builder.ts';
import { idOf } from './global-ids.ts';
import type { Loaders } from './loaders.ts';
import { SegmentRef, SessionRef } from './node-refs.ts';
import { listCost, pageArguments, searchCost, toConnection, toPageRequest } from './pagination.ts';
import { searchText } from './search-text.ts';
import { channelOf, finalCursor, interimCursor, sequenceOf } from './segment-cursor.ts';
import { SegmentKindRef } from './segment.ts';

builder.objectField(SessionRef, 'segments', (t) =>
  t.field({
    type: SegmentConnectionRef,
    extensions: { cost: listCost },
    description: 'Its segments: the final ones in the order of `sequence`, or the open drafts.',
    args: {
      ...pageArguments,
      kind: t.arg({
        type: SegmentKindRef,
        defaultValue: 'FINAL',
        description: 'Final segments, or the drafts of what is being spoken (one per channel at most).',
      }),
    },
    resolve: async (session, { kind, ...page }, { services, loaders }) => {
      const request = toPageRequest(page);
      if (kind === 'INTERIM') return toConnection(await interimPage(services.reader, session, request));
      const finals = await finalPage(loaders, session, request);
      return { ...toConnection(finals), totalCount: session.statistics.totalSegments };
    },
  }),
);

const TextRangeRef = builder.objectRef<TextRange>('TextRange').implement({
  description: 'A part of a text.',
  fields: (t) => ({
    start: t.exposeInt('start', { description: 'Where it begins, in UTF-16 code units.' }),
    end: t.exposeInt('end', { description: 'Where the text goes on behind it, in UTF-16 code units.' }),
  }),
});

const SegmentConnectionRef = builder.connectionObject(
  {
    type: SegmentRef,
    name: 'SegmentConnection',
    description: 'A page of segments.',
    fields: (t) => ({
      totalCount: t.int({
        nullable: true,
        description: "A session's final segments, on all pages; null in other lists, where counting would be slow.",
        resolve: (connection) => ('totalCount' in connection ? Number(connection.totalCount) : null),
      }),
    }),
  },
  {
    name: 'SegmentEdge',
    description: 'A segment in a list.',
    fields: (t) => ({
      highlights: t.field({
        type: [TextRangeRef],
        extensions: { cost: { items: 4 } },
        description:
          'What of `node.text` was found by `SegmentFilter.search`, in order: whole words, also where their beginning was searched for, and phrases. Empty in other lists.',
        resolve: (edge) => (edge instanceof ListedSegment ? [...edge.highlights] : []),
      }),
    }),
  },
);

const SegmentFilterInput = builder.inputType('SegmentFilter', {
  description: 'Which segments: those that meet every condition given.',
  fields: (t) => ({
    sessionId: t.id({ description: 'Of this session: its global id.' }),
    kind: t.field({ type: SegmentKindRef, description: 'Final segments or drafts.' }),
    channel: t.int({ description: 'Of this channel, counted from 0.' }),
    textContains: t.string({
      description: 'With this in the text, 1,000 characters at most; case is ignored for ASCII letters.',
    }),
    search: t.string({
      description:
        'Final segments in which all of these words were said, in any order; 1,000 characters and 50 words at most. Case, diacritics and punctuation do not matter, "words in quotation marks" are found as they stand, and the last word may be the beginning of one (two letters at least) when nothing follows it. Nothing else has a meaning. Lists with it have an order of their own: the session that was started last comes first, and each is in the order of `sequence`.',
    }),
    from: t.field({ type: 'DateTime', description: 'Of sessions created at this instant or later.' }),
    to: t.field({ type: 'DateTime', description: 'Of sessions created before this instant.' }),
  }),
});

builder.queryField('segments', (t) =>
  t.field({
    type: SegmentConnectionRef,
    extensions: { cost: searchCost },
    description:
      'Segments across sessions, as the database has them (a running session may be ahead of it by one batch): those of the newest session first, each session in the order of time; a `search` has an order of its own.',
    args: {
      ...pageArguments,
      filter: t.arg({ type: SegmentFilterInput, description: 'Which segments; all by default.' }),
    },
    resolve: async (_root, { filter, ...page }, { services }) =>
      toSearchedConnection(await services.reader.listSegments(toSegmentFilter(filter), toPageRequest(page))),
  }),
);

/** An edge of a list that may have been searched. */
class ListedSegment {
  readonly cursor: string;
  readonly node: Segment;
  readonly highlights: readonly TextRange[];

  constructor({ cursor, node, highlights = [] }: SegmentPage['items'][number]) {
    this.cursor = cursor;
    this.node = node;
    this.highlights = highlights;
  }
}

function toSearchedConnection(page: SegmentPage) {
  return { ...toConnection(page), edges: page.items.map((item) => new ListedSegment(item)) };
}

function toSegmentFilter(input: typeof SegmentFilterInput.$inferInput | null | undefined): SegmentFilter {
  const sessionId = input?.sessionId ?? undefined;
  return {
    sessionId: sessionId === undefined ? undefined : idOf('Session', sessionId),
    kind: input?.kind ?? undefined,
    channel: input?.channel ?? undefined,
    textContains: searchText('textContains', input?.textContains),
    search: searchText('search', input?.search),
    from: input?.from ?? undefined,
    to: input?.to ?? undefined,
  };
}

async function finalPage({ finals }: Loaders, session: SessionRecord, request: PageRequest): Promise<Page<Segment>> {
  const afterSequence = request.after === undefined ? 0 : sequenceOf(request.after);
  const beforeSequence = request.before === undefined ? Infinity : sequenceOf(request.before);
  const fromEnd = request.last !== undefined;
  const limit = request.last ?? request.first ?? 0;
  const range = { afterSequence, beforeSequence, limit: limit + 1, fromEnd };
  const found = await finals.load({ sessionId: session.id, ...range });
  const page = fromEnd ? lastOf(found, limit) : found.slice(0, limit);
  // Sequences count from 1 without a hole: the ends of a page tell what precedes and what follows it.
  const total = Math.max(session.statistics.totalSegments, found.at(-1)?.sequence ?? 0);
  const emptyAt = Math.min(total, fromEnd ? beforeSequence - 1 : afterSequence);
  return {
    items: page.map((node) => ({ node, cursor: finalCursor(node.sequence ?? 0) })),
    hasPreviousPage: (page[0]?.sequence ?? emptyAt + 1) > 1,
    hasNextPage: (page.at(-1)?.sequence ?? emptyAt) < total,
  };
}

async function interimPage(
  reader: SessionReader,
  session: SessionRecord,
  request: PageRequest,
): Promise<Page<Segment>> {
  const after = request.after === undefined ? -1 : channelOf(request.after);
  const before = request.before === undefined ? Infinity : channelOf(request.before);
  const all = (await reader.interims(session.id)).toSorted((a, b) => a.channel - b.channel);
  const range = all.filter(({ channel }) => channel > after && channel < before);
  const page = request.last === undefined ? range.slice(0, request.first) : lastOf(range, request.last);
  const first = page[0];
  const last = page.at(-1);
  return {
    items: page.map((node) => ({ node, cursor: interimCursor(node.channel) })),
    hasPreviousPage: first !== undefined && first !== all[0],
    hasNextPage: last !== undefined && last !== all.at(-1),
  };
}

function lastOf<T>(items: readonly T[], count: number): T[] {
  return items.slice(Math.max(0, items.length - count));
}
