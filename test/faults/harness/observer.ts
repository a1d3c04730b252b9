import { SEGMENT_FIELDS, type SegmentView } from '../../support/operations.ts';
import { accountOf, checkSum, compareFinals, type Coverage, type Reference } from './account.ts';
import type { Connection } from './connection.ts';
import type { Findings } from './findings.ts';
import type { SessionClient } from './session-client.ts';

export interface Statistics {
  readonly totalSegments: number;
  readonly averageConfidence: number | null;
  readonly totalDuration: number;
  readonly wordCount: number;
  readonly speakingDuration: number;
  readonly wordsPerMinute: number | null;
}

/** What the API tells of a session. */
export interface Observation {
  readonly status: string;
  readonly endReason: string | null;
  readonly nextSequence: number;
  readonly coverage: Coverage;
  readonly statistics: Statistics;
  readonly finals: readonly SegmentView[];
  /** Of the drafts that are open. */
  readonly draftChannels: readonly number[];
}

const OBSERVE = `query ($id: ID!) { session(id: $id) {
  status endReason nextSequence
  statistics { totalSegments averageConfidence totalDuration wordCount speakingDuration wordsPerMinute }
  coverage { receivedMs transcribedMs silenceMs gapMs failedMs pendingMs }
  drafts: segments(kind: INTERIM, first: 100) { edges { node { channel } } }
  segments(first: 100) { edges { node { ${SEGMENT_FIELDS} } } } } }`;

/** @returns `null` when there is no such session. @throws when there is no answer. */
export async function observe(connection: Connection, id: string): Promise<Observation | null> {
  interface Answer {
    readonly session:
      | (Omit<Observation, 'finals' | 'draftChannels'> & {
          readonly segments: { readonly edges: readonly { readonly node: SegmentView }[] };
          readonly drafts: { readonly edges: readonly { readonly node: { readonly channel: number } }[] };
        })
      | null;
  }
  const { session } = await connection.request<Answer>(OBSERVE, { id });
  if (session === null) return null;
  const { segments, drafts, ...rest } = session;
  const draftChannels = drafts.edges.map(({ node }) => node.channel);
  return { ...rest, finals: segments.edges.map(({ node }) => node), draftChannels };
}

/** Asks how a session stands and holds that against what its client was told before. @throws when there is no answer. */
export async function checkSession(connection: Connection, client: SessionClient, findings: Findings): Promise<void> {
  const { id, acknowledged, end } = client;
  const { reference } = client.plan;
  if (id === null || reference === null) return;
  const shown = client.shown.map((segment) => accountOf(segment, id));
  const observation = await observe(connection, id);
  if (observation === null) {
    findings.add('broken promise', `${client.description}: the session is gone`);
    return;
  }
  const { status, nextSequence, coverage, finals, draftChannels } = observation;
  checkSum(client.description, coverage, findings);
  findings.expect(
    new Set(draftChannels).size === draftChannels.length,
    `${client.description}: drafts of one channel beside each other: ${draftChannels.join(', ')}`,
  );
  checkFinals(
    client,
    shown.length,
    finals.map((segment) => accountOf(segment, id)),
    reference,
    findings,
  );
  if (nextSequence < acknowledged) {
    findings.add(
      'bytes lost',
      `${client.description}: ${acknowledged} chunks were acknowledged, ${nextSequence} are there`,
    );
  }
  findings.expect(
    statusesAt(end, client.end).includes(status),
    `${client.description}: it is ${status}, its end is ${end}`,
  );
}

function checkFinals(
  client: SessionClient,
  shown: number,
  found: readonly ReturnType<typeof accountOf>[],
  reference: Reference,
  findings: Findings,
): void {
  compareFinals(`query of ${client.description}`, found, reference.finals, findings);
  if (found.length >= shown) return;
  findings.add(
    'segments lost',
    `${client.description}: ${shown} finals had been shown, ${found.length} are there`,
    shown - found.length,
  );
}

/** Where a session may stand, by how far its end was before and after the question. */
function statusesAt(before: SessionClient['end'], after: SessionClient['end']): string[] {
  const mayBeActive = before === 'not asked for' || before === 'asked for';
  const mayBeOver = after !== 'not asked for';
  return [
    ...(mayBeActive ? ['ACTIVE'] : []),
    ...(mayBeOver && before !== 'completed' ? ['FINALIZING'] : []),
    ...(mayBeOver ? ['COMPLETED'] : []),
  ];
}
