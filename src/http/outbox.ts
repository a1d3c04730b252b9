import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Departures } from './departures.ts';

/** So little is not waited for. */
const LITTLE_BYTES = 64 * 1024;
const LEAVING = Promise.resolve();

/** The messages that are on their way out to one client. */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #connection: Duplex;
  readonly #departures: Departures;
  readonly #gone: Promise<void>;
  #sent = 0;
  #left = 0;
  #onDeparture: () => void = () => undefined;

  /**
   * @param connection what the socket's messages go over
   */
  constructor(socket: WebSocket, connection: Duplex, departures: Departures) {
    this.#socket = socket;
    this.#connection = connection;
    this.#departures = departures;
    this.#gone = new Promise((resolve) => {
      socket.once('close', () => resolve());
    });
  }

  /** How many messages have left before the oldest one that waits; `null` when none waits. */
  get place(): number | null {
    return this.#sent === this.#left ? null : this.#left;
  }

  /** How much waits, in bytes. */
  get bytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Calls it whenever a message has left. */
  onDeparture(callback: () => void): void {
    this.#onDeparture = callback;
  }

  /**
   * Resolves when the message has left for the client, or will soon, or there is no client any more: what produces messages
   * waits.
   */
  send(data: string): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return this.#gone;
    this.#departures.gather(this.#connection);
    this.#sent += 1;
    // A failed send is followed by the end of the socket, which ends what goes on over it.
    if (this.bytes + data.length < LITTLE_BYTES) {
      this.#socket.send(data, () => this.#leave());
      return LEAVING;
    }
    return new Promise((resolve) => {
      this.#socket.send(data, () => {
        this.#leave();
        resolve();
      });
    });
  }

  /**
   * Sends a message that is a frame already; `ws` queues nothing, so that the order is that of the calls. Calls `onLeft` when
   * it has left for the client, and never when there is no client any more.
   * @param head begins the frame, and is not touched before that
   */
  sendFrameThen(head: Buffer, rest: Buffer, onLeft: () => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#departures.gather(this.#connection);
    this.#sent += 1;
    this.#connection.write(head);
    this.#connection.write(rest, () => {
      this.#leave();
      onLeft();
    });
  }

  #leave(): void {
    this.#left += 1;
    this.#onDeparture();
  }
}
