import type { ReadableFile } from './log-file-system.ts';
import {
  claimedRecordLength,
  decodeRecord,
  findSyncMarker,
  RECORD_HEADER_BYTES,
  SYNC_MARKER_BYTES,
  type LogRecord,
} from './record-format.ts';

/**
 * Reads records of a file through a window of bounded size; each refill of the window lets the event loop run. A record's
 * payload is a view of the window it was read with, which is never reused: it may be kept, but keeps that window alive.
 */
export class RecordScanner {
  readonly #file: ReadableFile;
  readonly #windowBytes: number;
  #window: Buffer = Buffer.alloc(0);
  /** Position in the file of the window's first byte. */
  #windowStart = 0;

  /** @param windowBytes how much is read at once; more only for a single record that is longer. */
  constructor(file: ReadableFile, windowBytes: number) {
    this.#file = file;
    this.#windowBytes = windowBytes;
  }

  /** The intact record that begins at `position` and ends at or before `limit`; `null` when there is none. */
  async recordAt(position: number, limit: number): Promise<LogRecord | null> {
    const loaded = this.loadedRecordAt(position, limit);
    if (loaded !== null) return loaded;
    if (!(await this.#load(position, RECORD_HEADER_BYTES, limit))) return null;
    const length = claimedRecordLength(this.#window, position - this.#windowStart, position);
    if (length === null || !(await this.#load(position, length, limit))) return null;
    return decodeRecord(this.#window, position - this.#windowStart, position, length);
  }

  /** Like `recordAt`, when the whole record has been read already; `null` when not, too. */
  loadedRecordAt(position: number, limit: number): LogRecord | null {
    if (!this.#isLoaded(position, RECORD_HEADER_BYTES, limit)) return null;
    const length = claimedRecordLength(this.#window, position - this.#windowStart, position);
    if (length === null || !this.#isLoaded(position, length, limit)) return null;
    return decodeRecord(this.#window, position - this.#windowStart, position, length);
  }

  /** The first intact record that begins at or behind `from` and ends at or before `limit`; `null` when there is none. */
  async firstRecord(from: number, limit: number): Promise<LogRecord | null> {
    let position = from;
    while (await this.#load(position, SYNC_MARKER_BYTES, limit)) {
      const offset = findSyncMarker(this.#window, position - this.#windowStart);
      if (offset === -1) {
        // The window's last bytes may be the beginning of a marker.
        position = this.#windowStart + this.#window.length - (SYNC_MARKER_BYTES - 1);
        continue;
      }
      position = this.#windowStart + offset;
      const record = await this.recordAt(position, limit);
      if (record !== null) return record;
      position += 1;
    }
    return null;
  }

  /** Lets go of the window: a reader that waits for more costs nothing. */
  release(): void {
    this.#window = Buffer.alloc(0);
  }

  #isLoaded(position: number, bytes: number, limit: number): boolean {
    const end = position + bytes;
    return end <= limit && position >= this.#windowStart && end <= this.#windowStart + this.#window.length;
  }

  /** Sees to it that `[position, position + bytes)` is in the window; false when it goes beyond `limit` or the file. */
  async #load(position: number, bytes: number, limit: number): Promise<boolean> {
    if (position + bytes > limit) return false;
    if (this.#isLoaded(position, bytes, limit)) return true;
    const target = Buffer.allocUnsafe(Math.min(Math.max(bytes, this.#windowBytes), limit - position));
    let filled = 0;
    while (filled < target.length) {
      const count = await this.#file.read(target.subarray(filled), position + filled);
      if (count === 0) break;
      filled += count;
    }
    this.#window = target.subarray(0, filled);
    this.#windowStart = position;
    return filled >= bytes;
  }
}
