import { isDeepStrictEqual } from 'node:util';
import { SEGMENT_ADDED, type SegmentView } from '../../support/operations.ts';
import { accountOf, type Reference } from './account.ts';
import { Connection, isPassing } from './connection.ts';
import type { Findings } from './findings.ts';
import type { Happenings } from './happenings.ts';

export interface SubscriberParts {
  readonly url: string;
  readonly sessionId: string;
  readonly reference: Reference | null;
  readonly happenings: Happenings;
  readonly findings: Findings;
  readonly signal: AbortSignal;
}

const STATE = 'query ($id: ID!) { session(id: $id) { status statistics { totalSegments } } }';

/** Follows a session's segments to their end, and resumes after its last cursor whenever its connection is lost. */
export class Subscriber {
  readonly shown: SegmentView[] = [];
  readonly #parts: SubscriberParts;
  readonly #connection: Connection;
  /** The highest revision of each draft that was shown, by segment. */
  readonly #drafts = new Map<string, number>();

  constructor(parts: SubscriberParts) {
    this.#parts = parts;
    this.#connection = new Connection(parts.url, parts.signal);
  }

  async run(): Promise<void> {
    try {
      do await this.#follow();
      while (!(await this.#hasAll()));
    } finally {
      await this.#connection.close();
    }
  }

  /** Receives until the subscription completes or breaks off. */
  async #follow(): Promise<void> {
    const { sessionId } = this.#parts;
    const cursor = this.shown.at(-1)?.cursor ?? null;
    const variables = { sessionId, ...(cursor === null ? { fromStart: true } : { after: cursor }) };
    try {
      const events = this.#connection.events<{ segmentAdded: SegmentView }>(SEGMENT_ADDED, variables);
      for await (const { segmentAdded } of events) this.#receive(segmentAdded);
    } catch (error) {
      if (!isPassing(error)) throw error;
      await this.#connection.renew(error);
    }
  }

  async #hasAll(): Promise<boolean> {
    const { session } = await this.#connection.untilAnswered(() =>
      this.#connection.request<{ session: { status: string; statistics: { totalSegments: number } } }>(STATE, {
        id: this.#parts.sessionId,
      }),
    );
    return session.status === 'COMPLETED' && this.shown.length >= session.statistics.totalSegments;
  }

  #receive(segment: SegmentView): void {
    const { happenings, findings, sessionId, reference } = this.#parts;
    const where = `subscriber of ${sessionId}`;
    const isShown = this.shown.some(({ id }) => id === segment.id);
    if (segment.kind === 'INTERIM') {
      happenings.note('interim');
      findings.expect(!isShown, `${where}: a draft of ${segment.id} came after its final`);
      this.#drafts.set(segment.id, Math.max(segment.revision, this.#drafts.get(segment.id) ?? 0));
      return;
    }
    if (isShown) {
      findings.add('segments doubled', `${where}: ${segment.id} came again`);
      return;
    }
    const account = accountOf(segment, sessionId);
    const expected = reference?.finals[this.shown.length];
    if (reference !== null && !isDeepStrictEqual(account, expected)) {
      const message = `${where}: ${JSON.stringify(account)} came instead of ${JSON.stringify(expected ?? null)}`;
      findings.add('segments changed', message);
    }
    findings.expect(
      segment.revision > (this.#drafts.get(segment.id) ?? 0),
      `${where}: the final of ${segment.id} has revision ${segment.revision}, a draft ${this.#drafts.get(segment.id)}`,
    );
    this.shown.push(segment);
    happenings.note('final');
  }
}
