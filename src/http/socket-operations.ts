import { ServiceError } from '../services/errors.ts';
import { MAX_COST_UNDER_WAY, OperationTurns } from './operation-turns.ts';
import type { Outbox } from './outbox.ts';

/** With more bytes on their way to the client no further operation begins. */
const CROWDED_BYTES = 1024 * 1024;

/**
 * The operations of one socket, within what their answers may have in memory: queries and mutations by turns, subscriptions
 * by their number and what their events cost, since each has one event under way at most. Operations are known by their
 * payload: a client may give an id to another one while the first is still ending.
 */
export class SocketOperations {
  readonly #maxSubscriptions: number;
  readonly #turns: OperationTurns;
  readonly #answered = new Map<object, number>();
  readonly #subscribed = new Map<object, number>();
  #costOfEvents = 0;

  constructor(outbox: Outbox, maxSubscriptions: number) {
    this.#maxSubscriptions = maxSubscriptions;
    this.#turns = new OperationTurns(() => outbox.bytes > CROWDED_BYTES);
    outbox.onDeparture(() => this.#turns.goOn());
  }

  /** Subscriptions that are under way. */
  get subscriptions(): number {
    return this.#subscribed.size;
  }

  /**
   * @param payload must be told to `complete` when the operation is over
   * @param cost of its answer, or of one event, at most
   * @returns what its turn has to be waited for, as `OperationTurns.enter`
   * @throws ServiceError `RATE_LIMITED`
   */
  begin(payload: object, cost: number, isSubscription: boolean): Promise<void> | null {
    if (isSubscription) {
      this.#subscribe(payload, cost);
      return this.#turns.enter(0);
    }
    this.#answered.set(payload, cost);
    return this.#turns.enter(cost);
  }

  /** Its last message has left for the client, or will never be sent. */
  complete(payload: object): void {
    const cost = this.#answered.get(payload);
    if (cost !== undefined) {
      this.#answered.delete(payload);
      this.#turns.leave(cost);
      return;
    }
    this.#costOfEvents -= this.#subscribed.get(payload) ?? 0;
    this.#subscribed.delete(payload);
  }

  /** The socket is closed. */
  end(): void {
    this.#turns.end();
  }

  #subscribe(payload: object, cost: number): void {
    if (this.#subscribed.size >= this.#maxSubscriptions) {
      throw new ServiceError(
        'RATE_LIMITED',
        `This socket has ${this.#maxSubscriptions} subscriptions: end some, or open another socket.`,
      );
    }
    if (this.#costOfEvents + cost > MAX_COST_UNDER_WAY) {
      throw new ServiceError(
        'RATE_LIMITED',
        `The events of this socket's subscriptions may cost ${MAX_COST_UNDER_WAY} together: ask for fewer fields, end some, or open another socket.`,
      );
    }
    this.#subscribed.set(payload, cost);
    this.#costOfEvents += cost;
  }
}
