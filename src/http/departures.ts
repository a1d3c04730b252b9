import type { Duplex } from 'node:stream';

/**
 * Lets what is written to a connection in one turn of the event loop leave together at its end: each call of the system costs
 * more than all else about a short message.
 */
export class Departures {
  readonly #waiting = new Set<Duplex>();

  /** What is written to the connection from now on waits for the end of the turn. */
  gather(connection: Duplex): void {
    if (this.#waiting.has(connection)) return;
    if (this.#waiting.size === 0) setImmediate(() => this.#leave());
    this.#waiting.add(connection);
    connection.cork();
  }

  #leave(): void {
    for (const connection of this.#waiting) connection.uncork();
    this.#waiting.clear();
  }
}
