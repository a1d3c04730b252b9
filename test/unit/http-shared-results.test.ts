import * as fc from 'fast-check';
import { parse, subscribe, validate, type DocumentNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Segment } from '../../src/database/session-records.ts';
import { Delivery } from '../../src/http/delivery.ts';
import { formatResult } from '../../src/http/operation-errors.ts';
import { SharedResults } from '../../src/http/shared-results.ts';
import { createSchema, UNCHANGING_TYPES } from '../../src/schema/create-schema.ts';
import { toClientError } from '../../src/schema/errors.ts';
import { encodeGlobalId } from '../../src/schema/global-ids.ts';
import { finalCursor } from '../../src/schema/segment-cursor.ts';
import { SegmentFeed } from '../../src/services/segment-feed.ts';
import { until } from '../support/wait.ts';

const schema = createSchema();
const sessionId = encodeGlobalId('Session', 'some');
const logger = pino({ level: 'silent' });
const asClient = (error: unknown) => toClientError(error, logger);

function segment(index: number, kind: 'FINAL' | 'INTERIM'): Segment {
  return {
    id: `segment-${index}`,
    sessionId: 'some',
    sequence: kind === 'FINAL' ? index : null,
    revision: 1,
    kind,
    text: `what "was" said, ${index}`,
    // No whole number, which is an error of those who ask for it.
    startMs: index === 2 ? 1.5 : index * 1_000,
    endMs: index * 1_000 + 500,
    avgConfidence: index % 2 === 0 ? 0.5 : null,
    words: [{ text: 'what', startMs: index, endMs: null, confidence: 0.25 }],
    speaker: null,
    channel: 0,
    createdAt: new Date(index),
  };
}

/** A feed that tells two finals again from its history, and what is published. */
function createFeed(): SegmentFeed {
  const history = [segment(1, 'FINAL'), segment(2, 'FINAL')];
  return new SegmentFeed(async (after, limit) => history.slice(after, after + limit), 2);
}

/** What resolvers need of the server; every other read of the session fails. */
function contextFor(feed: SegmentFeed): object {
  let reads = 0;
  const load = async () => (++reads % 2 === 0 ? null : { id: 'some', title: `read ${reads}` });
  return {
    services: {
      sessions: { segments: async (_id: string, after: number | null) => feed.subscribe(after ?? undefined) },
    },
    loaders: { session: { load } },
  };
}

const LEAVES = [
  'id',
  'sequence',
  'revision',
  'kind',
  'text',
  'startMs',
  'endMs',
  'avgConfidence',
  'cursor',
  '__typename',
];

const leaf = fc
  .record({
    name: fc.constantFrom(...LEAVES),
    alias: fc.option(fc.constantFrom('a', 'b', 'c')),
    directive: fc.constantFrom('', '@include(if: $yes)', '@skip(if: $yes)', '@include(if: $no)', '@skip(if: false)'),
  })
  .map(({ name, alias, directive }) => `${alias === null ? '' : `${alias}_${name}: `}${name} ${directive}`);
const composite = fc.constantFrom(
  'words { text startMs confidence @skip(if: $yes) }',
  'words { __typename }',
  '... on Node { id }',
);
const selection = fc
  .array(fc.oneof({ weight: 4, arbitrary: leaf }, { weight: 1, arbitrary: composite }), { minLength: 1, maxLength: 6 })
  .map((fields) => fields.join('\n'));

const operation = fc
  .record({
    fields: selection,
    fragment: fc.option(selection),
    session: fc.boolean(),
    alias: fc.constantFrom('', 'added: '),
    after: fc.constantFrom('fromStart: true', 'fromStart: $start', ''),
    yes: fc.constantFrom(true, false),
    no: fc.constantFrom(true, false, undefined),
  })
  .map(({ fields, fragment, session, alias, after, yes, no }) => ({
    /** Finals that come before what is published. */
    told: after === '' ? 0 : 2,
    text: `subscription Live($id: ID!, ${after.includes('$') ? '$start: Boolean = true,' : ''} $yes: Boolean!, $no: Boolean = false) {
      ${alias}segmentAdded(sessionId: $id ${after === '' ? '' : `, ${after}`}) {
        ${fields} channel @include(if: $yes) kind @skip(if: $no) ${session ? 'session { title }' : ''} ${fragment === null ? '' : '...Part'}
      }
    } ${fragment === null ? '' : `fragment Part on Segment { ${fragment} }`}`,
    variables: { id: sessionId, start: true, yes, ...(no === undefined ? {} : { no }) },
  }));

function validDocument(text: string): DocumentNode {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  return document;
}

/** Results as a client gets them from graphql-js. */
async function collectPlain(args: ExecutionArgs): Promise<{ results: unknown[]; over: Promise<void> }> {
  const results: unknown[] = [];
  const source = await subscribe(args);
  if (!(Symbol.asyncIterator in source)) throw new Error('refused');
  const read = async () => {
    for await (const result of source) results.push(asSent(result));
  };
  return { results, over: read() };
}

async function collectShared(shared: SharedResults, args: ExecutionArgs) {
  const results: string[] = [];
  const delivery = await shared.subscribe(args);
  if (!(delivery instanceof Delivery)) throw new Error('refused');
  delivery.sendWith((payload, onLeft) => {
    results.push(payload.toString());
    setImmediate(onLeft);
  });
  return { results, over: delivery.next() };
}

function asSent(result: ExecutionResult): unknown {
  return JSON.parse(JSON.stringify(formatResult(result, asClient)));
}

describe('subscribers who share results', () => {
  it('get what each would get by itself, whatever they select, errors included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 4 }), async (operations) => {
        const feed = createFeed();
        const shared = new SharedResults(schema, UNCHANGING_TYPES, (result) =>
          Buffer.from(JSON.stringify(formatResult(result, asClient))),
        );
        // Each twice, so that there is something to share; with a session whose reads differ there is not.
        const subscribers = await Promise.all(
          [...operations, ...operations].map(async ({ text, variables, told }) => {
            const args = { schema, document: validDocument(text), variableValues: variables };
            const plain = await collectPlain({ ...args, contextValue: contextFor(feed) });
            return { told, plain, ours: await collectShared(shared, { ...args, contextValue: contextFor(feed) }) };
          }),
        );
        for (const [index, event] of [segment(3, 'INTERIM'), segment(3, 'FINAL'), segment(4, 'FINAL')].entries()) {
          if (event.kind === 'INTERIM') feed.publishInterim(event);
          else feed.publishFinal({ ...event, kind: 'FINAL', sequence: event.sequence ?? 0 });
          // Else it would be left out for those that are not quick.
          const isTold = ({ plain, ours, told }: (typeof subscribers)[number]) =>
            [plain, ours].every(({ results }) => results.length === told + index + 1);
          await until(() => subscribers.every(isTold), { what: 'the event at all subscribers' });
        }
        feed.end();
        await Promise.all(subscribers.flatMap(({ plain, ours }) => [plain.over, ours.over]));
        for (const { plain, ours } of subscribers) {
          expect(ours.results.map((text) => JSON.parse(text))).toEqual(plain.results);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('cost one result for each event, wherever each of them began', async () => {
    const feed = createFeed();
    let made = 0;
    const shared = new SharedResults(schema, UNCHANGING_TYPES, (result) => {
      made += 1;
      return Buffer.from(JSON.stringify(formatResult(result, asClient)));
    });
    const document = validDocument(
      'subscription ($id: ID!, $after: String) { segmentAdded(sessionId: $id, after: $after) { id text words { text } } }',
    );
    const subscribers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const variableValues = { id: sessionId, after: index % 2 === 0 ? null : finalCursor(2) };
        return collectShared(shared, { schema, document, variableValues, contextValue: contextFor(feed) });
      }),
    );
    feed.publishInterim(segment(3, 'INTERIM'));
    await until(() => subscribers.every(({ results }) => results.length === 1), { what: 'the interim' });
    feed.publishFinal({ ...segment(3, 'FINAL'), kind: 'FINAL', sequence: 3 });
    feed.end();
    await Promise.all(subscribers.map(({ over }) => over));
    expect(subscribers.map(({ results }) => results.length)).toEqual(subscribers.map(() => 2));
    expect(made).toBe(2);
  });
});
