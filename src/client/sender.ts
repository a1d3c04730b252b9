import { framesToMs } from '../audio/format.ts';
import type { Connection } from './connection.ts';
import type { ClientLimits } from './limits.ts';
import { sendItem, type Acknowledgement } from './operations.ts';
import type { Recording } from './recording.ts';
import type { NumberedItem } from './send-queue.ts';

export interface SenderParts {
  readonly connection: Connection;
  readonly recording: Recording;
  readonly sessionId: string;
  readonly limits: ClientLimits;
  /** Live audio is never held back; other audio waits for the recogniser. */
  readonly isLive: boolean;
  readonly onAcknowledged: (acknowledgement: Acknowledgement) => void;
}

/** Bytes of audio under way: the server reads no further when it has 8 MiB of messages to answer. */
const MAX_BYTES_UNDER_WAY = 4 * 1024 * 1024;
/** Between two chunks while the recogniser is too far behind: longer than a chunk, so that it catches up. */
const BACKLOG_PAUSE_MS = 250;

/** Sends what a recording has, over one connection, several chunks ahead of their acknowledgements. */
export class Sender {
  readonly #parts: SenderParts;
  #underWay = 0;
  #framesUnderWay = 0;
  #bytesUnderWay = 0;
  #backlogMs = 0;
  #resumeAt = 0;
  #acknowledgements = 0;
  #failure: unknown = null;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /** How many answers came. */
  get acknowledgements(): number {
    return this.#acknowledgements;
  }

  /**
   * Resolves when the recording has ended and everything is acknowledged.
   * @throws VerbatimError the first refusal, or `CONNECTION_LOST`
   */
  async run(): Promise<void> {
    const { connection, recording } = this.#parts;
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      if (connection.lost !== null) throw connection.lost;
      const item = this.#next();
      if (item !== null) {
        // Its number, too, is kept before the server can know it.
        await recording.stored();
        void this.#send(item);
      } else if (recording.isEnding && recording.queue.isEmpty) {
        return;
      } else {
        await recording.changed.wait(this.#pauseMs());
      }
    }
  }

  #next(): NumberedItem | null {
    const { recording, limits } = this.#parts;
    if (this.#underWay >= limits.maxUnderWay || this.#bytesUnderWay >= MAX_BYTES_UNDER_WAY) return null;
    if (!this.#isTooFarAhead()) return recording.queue.take();
    // A small chunk now and then, since the acknowledgement says how far the recogniser is.
    if (this.#underWay > 0 || performance.now() < this.#resumeAt) return null;
    return recording.queue.take(false);
  }

  #isTooFarAhead(): boolean {
    const { recording, limits, isLive } = this.#parts;
    if (isLive) return false;
    const underWayMs = framesToMs(this.#framesUnderWay, recording.request.audio.sampleRate);
    return this.#backlogMs + underWayMs >= limits.maxBacklogMs;
  }

  /** How long to wait when nothing else happens. */
  #pauseMs(): number | undefined {
    if (this.#underWay > 0 || !this.#isTooFarAhead()) return undefined;
    return Math.max(0, this.#resumeAt - performance.now());
  }

  async #send(item: NumberedItem): Promise<void> {
    const { connection, recording, sessionId, onAcknowledged } = this.#parts;
    const bytes = item.kind === 'audio' ? item.bytes.length : 0;
    this.#underWay += 1;
    this.#framesUnderWay += item.frames;
    this.#bytesUnderWay += bytes;
    try {
      const acknowledgement = await sendItem(connection, sessionId, item);
      recording.queue.acknowledge(acknowledgement.nextSequence);
      this.#acknowledgements += 1;
      this.#backlogMs = acknowledgement.backlogMs;
      this.#resumeAt = performance.now() + BACKLOG_PAUSE_MS;
      onAcknowledged(acknowledgement);
    } catch (error) {
      // Of several the first is the reason; the chunks behind it are refused as out of order.
      this.#failure ??= error;
    } finally {
      this.#underWay -= 1;
      this.#framesUnderWay -= item.frames;
      this.#bytesUnderWay -= bytes;
      recording.changed.raise();
    }
  }
}
