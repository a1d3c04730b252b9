import { setTimeout as delay } from 'node:timers/promises';
import { framesToMs } from '../../../src/audio/format.ts';
import { END, START, type Acknowledgement, type SegmentView, type SessionView } from '../../support/operations.ts';
import { Connection, isPassing, RefusedError } from './connection.ts';
import type { Reference } from './account.ts';
import type { Findings } from './findings.ts';
import type { Happenings } from './happenings.ts';
import type { Random } from './random.ts';
import { framesBefore, type Recording } from './recording.ts';
import { Subscriber } from './subscriber.ts';
import { transmit } from './transmit.ts';

export interface SessionPlan {
  /** The client's own name for the session, by which it finds it again. */
  readonly externalId: string;
  readonly recording: Recording;
  /** `null`: the session is to become the reference. */
  readonly reference: Reference | null;
  readonly random: Random;
  /** Pauses between chunks as those who speak live make them. */
  readonly paced: boolean;
  /** Sends chunks twice, too early, with other bytes, and from two places at once, as broken clients do. */
  readonly mischief: boolean;
}

export interface SessionClientParts {
  readonly url: string;
  readonly happenings: Happenings;
  readonly findings: Findings;
  readonly signal: AbortSignal;
}

const NEXT_SEQUENCE = 'query ($id: ID!) { session(id: $id) { nextSequence } }';
const STATUS = 'query ($id: ID!) { session(id: $id) { status } }';
const POLL_MS = 25;

/**
 * A client that streams one recording as the documentation tells clients to: whatever happens to its connections or to the server, it
 * asks how far the server is, goes on from there, and resumes its subscription.
 */
export class SessionClient {
  readonly plan: SessionPlan;
  readonly #parts: SessionClientParts;
  readonly #connection: Connection;
  readonly #way: 'socket' | 'http' | 'raw';
  readonly #ahead: number;
  /** Frames of the timeline before each item, and after the last. */
  readonly #frames: readonly number[];
  #subscriber: Subscriber | null = null;
  /** Global id, once `startSession` was answered. */
  id: string | null = null;
  /** All items below were acknowledged. */
  acknowledged = 0;
  /** All items below were sent, perhaps without success. */
  sent = 0;
  end: 'not asked for' | 'asked for' | 'answered' | 'completed' = 'not asked for';

  constructor(plan: SessionPlan, parts: SessionClientParts) {
    this.plan = plan;
    this.#parts = parts;
    this.#connection = new Connection(parts.url, parts.signal);
    const random = plan.random.fork('way');
    this.#way = random.pick(['socket', 'socket', 'http', 'raw']);
    // Only one connection keeps the order of what is sent ahead.
    this.#ahead = this.#way === 'socket' ? random.integer(1, 6) : 1;
    this.#frames = framesBefore(plan.recording);
  }

  /** Finals that the subscriber was given, in order. */
  get shown(): readonly SegmentView[] {
    return this.#subscriber?.shown ?? [];
  }

  /** For reports: where it stands. */
  get description(): string {
    const { externalId, recording } = this.plan;
    return `session ${externalId} (${recording.name}, by ${this.#way}, ${this.acknowledged} of ${recording.items.length} chunks acknowledged, ${this.shown.length} finals shown, end ${this.end})`;
  }

  /** Why something was tried again last. */
  get lastSetback(): unknown {
    return this.#connection.lastSetback;
  }

  /** Streams the recording to its end; resolves when the session is completed and the subscription as well. */
  async run(): Promise<void> {
    const { happenings, findings, url, signal } = this.#parts;
    const { reference, recording } = this.plan;
    try {
      const sessionId = await this.#start();
      const subscriber = new Subscriber({ url, sessionId, reference, happenings, findings, signal });
      this.#subscriber = subscriber;
      const watching = subscriber.run();
      // Its failure is told when it is waited for.
      watching.catch(() => undefined);
      for (let next = 0; next < recording.items.length;) next = await this.#sendFrom(sessionId, next);
      await this.#end(sessionId);
      await watching;
    } finally {
      await this.#connection.close();
    }
  }

  async #start(): Promise<string> {
    const { externalId, recording, random } = this.plan;
    const { happenings, findings } = this.#parts;
    const ask = async () => {
      happenings.note('starting');
      const { format: audio, speakers } = recording;
      const input = { externalId, audio, speakers };
      const answer = await this.#connection.request<{ startSession: { session: SessionView } }>(START, { input });
      return answer.startSession.session.id;
    };
    this.id = await this.#connection.untilAnswered(ask);
    happenings.note('started');
    if (random.fork('start again').chance(0.2)) {
      const again = await this.#connection.untilAnswered(ask);
      findings.expect(again === this.id, `${externalId}: started twice, it is ${this.id} and ${again}`);
    }
    return this.id;
  }

  /** Sends items from `first` on, some of them ahead of the answers. @returns the item to go on with. */
  async #sendFrom(sessionId: string, first: number): Promise<number> {
    const { items } = this.plan.recording;
    const underWay = new Set<Promise<void>>();
    const failures: unknown[] = [];
    for (let sequence = first; sequence < items.length && failures.length === 0; sequence++) {
      await this.#pause(sequence);
      if (this.plan.mischief && this.plan.random.fork(`mischief ${sequence}`).chance(0.15)) {
        await Promise.all(underWay);
        if (failures.length > 0) break;
        await this.#misbehave(sessionId, sequence);
      }
      const answered = this.#sendItem(sessionId, sequence).catch((error: unknown) => void failures.push(error));
      underWay.add(answered);
      void answered.then(() => underWay.delete(answered));
      if (underWay.size >= this.#ahead) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    return failures.length === 0 ? items.length : await this.#goOnAfter(failures[0], sessionId);
  }

  /** Asks how far the server is; what was acknowledged must be there. */
  async #goOnAfter(failure: unknown, sessionId: string): Promise<number> {
    const { findings } = this.#parts;
    const outOfOrder = failure instanceof RefusedError && failure.code === 'AUDIO_OUT_OF_ORDER';
    if (!isPassing(failure) && !outOfOrder) throw failure;
    await this.#connection.renew(failure);
    const { nextSequence } = await this.#ask<{ nextSequence: number }>(NEXT_SEQUENCE, sessionId);
    if (nextSequence < this.acknowledged) {
      const lost = this.plan.recording.items.slice(nextSequence, this.acknowledged);
      const bytes = lost.reduce((sum, item) => sum + (item.kind === 'chunk' ? item.bytes.length : 0), 0);
      findings.add('bytes lost', `${this.description}: the server expects chunk ${nextSequence}`, bytes);
    }
    findings.expect(nextSequence <= this.sent, `${this.description}: the server expects chunk ${nextSequence}`);
    // A chunk whose answer was lost may be sent again; it need not be.
    const resend = this.plan.random.fork(`resend ${nextSequence}`).chance(0.5);
    return resend ? Math.min(nextSequence, this.acknowledged) : nextSequence;
  }

  async #sendItem(sessionId: string, sequence: number): Promise<void> {
    const { happenings, findings } = this.#parts;
    const mayBeThere = sequence < this.sent;
    const mustBeThere = sequence < this.acknowledged;
    this.sent = Math.max(this.sent, sequence + 1);
    happenings.note('sending');
    const { nextSequence, receivedMs, backlogMs, duplicate } = await this.#transmit(
      this.#connection,
      sessionId,
      sequence,
    );
    const { sampleRate } = this.plan.recording.format;
    const storedMs = framesToMs(this.#frames[nextSequence] ?? NaN, sampleRate);
    findings.expect(
      nextSequence > sequence && receivedMs === storedMs && backlogMs >= 0 && backlogMs <= receivedMs,
      `${this.description}: chunk ${sequence} was answered with ${nextSequence} and ${receivedMs} ms instead of ${storedMs} ms (backlog ${backlogMs} ms)`,
    );
    findings.expect(
      duplicate ? mayBeThere : !mustBeThere,
      `${this.description}: chunk ${sequence} was ${duplicate ? 'taken for a duplicate' : 'stored twice'}`,
    );
    this.acknowledged = Math.max(this.acknowledged, sequence + 1);
    happenings.note('acknowledged');
  }

  #transmit(connection: Connection, sessionId: string, sequence: number): Promise<Acknowledgement> {
    return transmit(connection, this.#way, sessionId, sequence, this.plan.recording.items[sequence]);
  }

  /** Does what a client should not, before it sends `sequence`; nothing else is under way. */
  async #misbehave(sessionId: string, sequence: number): Promise<void> {
    const { findings, url, signal } = this.#parts;
    const { items } = this.plan.recording;
    const deed = this.plan.random.fork(`deed ${sequence}`).pick(['early', 'other bytes', 'two senders'] as const);
    const previous = items[sequence - 1];
    const expectRefusal = async (code: string, attempt: Promise<unknown>) => {
      const outcome: unknown = await attempt.then(
        () => 'accepted',
        (error: unknown) => error,
      );
      if (outcome instanceof RefusedError ? outcome.code === code : outcome !== 'accepted') return;
      findings.add('broken promise', `${this.description}: ${deed} at chunk ${sequence}: ${String(outcome)}`);
    };
    const expectedHere = sequence === this.sent;
    if (deed === 'early' && expectedHere && sequence + 1 < items.length) {
      await expectRefusal('AUDIO_OUT_OF_ORDER', this.#transmit(this.#connection, sessionId, sequence + 1));
    } else if (deed === 'other bytes' && previous?.kind === 'chunk') {
      const other = Buffer.from(previous.bytes);
      other[0] = (other[0] ?? 0) ^ 1;
      await expectRefusal(
        'AUDIO_CONFLICT',
        transmit(this.#connection, 'http', sessionId, sequence - 1, { kind: 'chunk', bytes: other }),
      );
    } else if (deed === 'two senders') {
      // The other one of two senders of the same recording: what it sends is sent again by this one.
      this.sent = Math.max(this.sent, sequence + 1);
      const second = new Connection(url, signal);
      void this.#transmit(second, sessionId, sequence)
        .catch((error: unknown) => {
          findings.expect(isPassing(error), `${this.description}: a second sender at ${sequence}: ${String(error)}`);
        })
        .then(() => second.close());
    }
  }

  async #end(sessionId: string): Promise<void> {
    const { happenings } = this.#parts;
    const input = { sessionId, nextSequence: this.plan.recording.items.length };
    let status = await this.#connection.untilAnswered(async () => {
      happenings.note('ending');
      this.end = 'asked for';
      const { endSession } = await this.#connection.request<{ endSession: { session: SessionView } }>(END, { input });
      return endSession.session.status;
    });
    this.end = 'answered';
    while (status !== 'COMPLETED') {
      await delay(POLL_MS, undefined, { signal: this.#parts.signal });
      ({ status } = await this.#ask<{ status: string }>(STATUS, sessionId));
      if (status === 'ACTIVE') throw new Error('the session was told to end, and is active again');
    }
    this.end = 'completed';
  }

  async #ask<View>(query: string, id: string): Promise<View> {
    const { session } = await this.#connection.untilAnswered(() =>
      this.#connection.request<{ session: View | null }>(query, { id }),
    );
    if (session === null) throw new Error('the session is gone');
    return session;
  }

  /** Mostly none or a short one; sometimes long enough for the session to be idle when something happens. */
  async #pause(sequence: number): Promise<void> {
    if (!this.plan.paced) return;
    const random = this.plan.random.fork(`pause ${sequence}`);
    const ms = random.pick([0, 0, random.integer(1, 20), random.integer(1, 60), random.chance(0.1) ? 400 : 0]);
    if (ms > 0) await delay(ms, undefined, { signal: this.#parts.signal });
  }
}
