import type { ServerResponse } from 'node:http';
import type { Logger } from '../services/logger.ts';
import { watchForStuck } from './patience.ts';

/**
 * The responses that are streams of events. They have no natural end, so they are broken off when the server stops or their
 * client does not read; never with `event: complete`, which would say that there is no more to come.
 */
export class EventStreams {
  readonly #slowReaderLimitMs: number;
  readonly #logger: Logger;
  readonly #streams = new Set<ServerResponse>();
  #ended = false;

  /** @param slowReaderLimitMs how long what is written may wait for a client to read on */
  constructor({ slowReaderLimitMs }: { readonly slowReaderLimitMs: number }, logger: Logger) {
    this.#slowReaderLimitMs = slowReaderLimitMs;
    this.#logger = logger;
  }

  /** A response that becomes a stream; from here on its connection may end at any time. */
  add(response: ServerResponse): void {
    if (response.closed) return;
    this.#streams.add(response);
    // The limit of ordinary answers is one of time without a byte; a stream may have nothing to say for longer.
    response.on('timeout', () => undefined);
    const stopWatching = this.#watch(response);
    response.once('close', () => {
      this.#streams.delete(response);
      stopWatching();
    });
    if (this.#ended) breakOff(response);
  }

  /** Breaks all streams off, and those that are opened from now on; clients ignore an event that was cut. */
  end(): void {
    this.#ended = true;
    for (const response of this.#streams) breakOff(response);
  }

  /** Yoga waits for `drain`, so what a client does not read is bounded; but it waits for ever. */
  #watch(response: ServerResponse): () => void {
    let drained = 0;
    response.on('drain', () => {
      drained += 1;
    });
    const place = () => (response.writableNeedDrain ? drained : null);
    return watchForStuck(this.#slowReaderLimitMs, place, () => {
      this.#logger.info({ bufferedBytes: response.writableLength }, 'event stream ended: its client reads too slowly');
      response.destroy();
    });
  }
}

/** Without the end that HTTP gives a whole body, so that no client takes what it has for all there is. */
function breakOff(response: ServerResponse): void {
  response.socket?.destroySoon();
}
