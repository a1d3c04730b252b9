import type { ChunkStore, StoredRecording } from './chunk-store.ts';
import type { QueueChange } from './send-queue.ts';
import { Signal } from './signal.ts';

/**
 * Writes a recording's changes to its store, one transaction at a time: what comes meanwhile goes together into the next.
 *
 * A store that fails is not used again: what it has would be out of date.
 */
export class StoreWriter {
  readonly #store: ChunkStore;
  readonly #snapshot: () => StoredRecording;
  readonly #onFailure: (cause: unknown) => void;
  #changes: QueueChange[] = [];
  #added = 0;
  #stored = 0;
  #isWriting = false;
  #hasFailed = false;
  readonly #batchStored = new Signal();

  /** @param snapshot how the recording stands now, without its items */
  constructor(store: ChunkStore, snapshot: () => StoredRecording, onFailure: (cause: unknown) => void) {
    this.#store = store;
    this.#snapshot = snapshot;
    this.#onFailure = onFailure;
  }

  /** @param change without one, only how the recording stands has changed. */
  add(change: QueueChange | null = null): void {
    if (this.#hasFailed) return;
    if (change !== null) this.#changes.push(change);
    this.#added += 1;
    if (!this.#isWriting) void this.#write();
  }

  /** Resolves when all that was added until now is stored, or the store has failed. */
  async settled(): Promise<void> {
    const target = this.#added;
    while (this.#stored < target && !this.#hasFailed) await this.#batchStored.wait();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#stored < this.#added) {
        // In a moment, so that what belongs together is stored together.
        await Promise.resolve();
        const upTo = this.#added;
        const changes = this.#changes;
        this.#changes = [];
        await this.#store.write(this.#snapshot(), changes);
        this.#stored = upTo;
        this.#batchStored.raise();
      }
    } catch (error) {
      this.#hasFailed = true;
      this.#changes = [];
      await this.#store.remove(this.#snapshot().externalId).catch(() => undefined);
      this.#onFailure(error);
      this.#batchStored.raise();
    } finally {
      this.#isWriting = false;
    }
  }
}
