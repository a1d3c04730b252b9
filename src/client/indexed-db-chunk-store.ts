import type { ChunkStore, StoredRecording } from './chunk-store.ts';
import type { QueueChange } from './send-queue.ts';
import type { TimelineItem } from './timeline.ts';

const RECORDINGS = 'recordings';
const ITEMS = 'items';
const VERSION = 1;

/** An item as it is stored; its key is [externalId, frame]. */
type StoredItem = TimelineItem & { readonly externalId: string };

/**
 * Keeps recordings in the browser (IndexedDB, https://www.w3.org/TR/IndexedDB/), so that neither a reload nor a crash of the
 * tab loses audio that was not sent yet. Which tab has a recording is agreed by Web Locks, which a tab that is gone gives up.
 */
export class IndexedDbChunkStore implements ChunkStore {
  readonly #name: string;
  #opened: Promise<IDBDatabase> | null = null;

  /** @param name of the database; pages that use different servers need different ones. */
  constructor(name = 'verbatim') {
    this.#name = name;
  }

  claim(externalId: string): Promise<(() => void) | null> {
    return new Promise((resolve, reject) => {
      navigator.locks
        .request(this.#lockOf(externalId), { ifAvailable: true }, (lock) => {
          if (lock === null) {
            resolve(null);
            return;
          }
          // The lock is held until this promise is settled.
          return new Promise<void>((release) => resolve(release));
        })
        .catch(reject);
    });
  }

  async unclaimed(): Promise<StoredRecording[]> {
    const { held = [] } = await navigator.locks.query();
    const claimed = new Set(held.map(({ name }) => name));
    const transaction = (await this.#open()).transaction(RECORDINGS);
    const request: IDBRequest<StoredRecording[]> = transaction.objectStore(RECORDINGS).getAll();
    await done(transaction);
    return request.result.filter(({ externalId }) => !claimed.has(this.#lockOf(externalId)));
  }

  async read(externalId: string): Promise<{ recording: StoredRecording; items: TimelineItem[] } | null> {
    const transaction = (await this.#open()).transaction([RECORDINGS, ITEMS]);
    const recording: IDBRequest<StoredRecording | undefined> = transaction.objectStore(RECORDINGS).get(externalId);
    const all = IDBKeyRange.bound([externalId, -Infinity], [externalId, Infinity]);
    const items: IDBRequest<StoredItem[]> = transaction.objectStore(ITEMS).getAll(all);
    await done(transaction);
    return recording.result === undefined ? null : { recording: recording.result, items: items.result };
  }

  async write(recording: StoredRecording, changes: readonly QueueChange[]): Promise<void> {
    const { externalId } = recording;
    // A chunk that the server may have under a number must not come back without it, not even after a power cut.
    const transaction = (await this.#open()).transaction([RECORDINGS, ITEMS], 'readwrite', { durability: 'strict' });
    transaction.objectStore(RECORDINGS).put(recording);
    const store = transaction.objectStore(ITEMS);
    for (const { from, to, items } of changes) {
      if (from < to) store.delete(IDBKeyRange.bound([externalId, from], [externalId, to], false, true));
      for (const item of items) store.put({ ...item, externalId } satisfies StoredItem);
    }
    await done(transaction);
  }

  async remove(externalId: string): Promise<void> {
    const transaction = (await this.#open()).transaction([RECORDINGS, ITEMS], 'readwrite');
    transaction.objectStore(RECORDINGS).delete(externalId);
    transaction.objectStore(ITEMS).delete(IDBKeyRange.bound([externalId, -Infinity], [externalId, Infinity]));
    await done(transaction);
  }

  #lockOf(externalId: string): string {
    return `${this.#name}/${externalId}`;
  }

  #open(): Promise<IDBDatabase> {
    this.#opened ??= this.#openAnew();
    return this.#opened;
  }

  #openAnew(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(this.#name, VERSION);
      request.addEventListener('upgradeneeded', () => {
        request.result.createObjectStore(RECORDINGS, { keyPath: 'externalId' });
        request.result.createObjectStore(ITEMS, { keyPath: ['externalId', 'frame'] });
      });
      request.addEventListener('success', () => {
        const forget = () => (this.#opened = null);
        request.result.addEventListener('close', forget);
        request.result.addEventListener('versionchange', () => {
          request.result.close();
          forget();
        });
        resolve(request.result);
      });
      request.addEventListener('error', () => {
        this.#opened = null;
        reject(request.error ?? new Error('IndexedDB does not open'));
      });
    });
  }
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () =>
      reject(transaction.error ?? new Error('IndexedDB gave up a transaction')),
    );
  });
}
