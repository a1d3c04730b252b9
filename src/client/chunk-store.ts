import type { AudioFormat } from '../audio/format.ts';
import type { QueueChange } from './send-queue.ts';
import type { LastFinal } from './segment-order.ts';
import type { QueueHead, TimelineItem } from './timeline.ts';

/** What a session is to be. */
export interface SessionRequest {
  /** The recording's own name, unique among all sessions of the server. */
  readonly externalId: string;
  readonly title: string | null;
  /** BCP 47 tag. */
  readonly language: string;
  readonly audio: AudioFormat;
  /** By channel, who speaks there; absent: nobody is named. */
  readonly speakers?: readonly (string | null)[];
  /** Any JSON up to 16 KiB. */
  readonly metadata: unknown;
}

/** What must be known of a recording to go on with it. */
export interface StoredRecording {
  readonly externalId: string;
  readonly request: SessionRequest;
  /** Of the session at the server; `null` as long as its start was not answered. */
  readonly sessionId: string | null;
  /** All before it is acknowledged. */
  readonly head: QueueHead;
  /** The last final that the program was given. */
  readonly lastFinal: LastFinal | null;
  /** `end` was called: no more audio will be recorded. */
  readonly isEnding: boolean;
}

/**
 * Keeps what was recorded until it is acknowledged, for when the page or the program goes away before. Every method may
 * fail; the session then goes on from memory, and says so.
 */
export interface ChunkStore {
  /** Takes a recording for this program alone; `null` when another one has it. The answer gives it back. */
  claim(externalId: string): Promise<(() => void) | null>;
  /** The recordings that nobody has claimed, in no particular order. */
  unclaimed(): Promise<StoredRecording[]>;
  /** A recording with its items in the order of their frames; `null` when there is none. */
  read(externalId: string): Promise<{ recording: StoredRecording; items: TimelineItem[] } | null>;
  /** Makes all changes in their order, or none. */
  write(recording: StoredRecording, changes: readonly QueueChange[]): Promise<void>;
  remove(externalId: string): Promise<void>;
}

interface Kept {
  recording: StoredRecording;
  readonly items: TimelineItem[];
}

/** Keeps recordings as long as the program runs. The bytes are those of the sessions themselves, not copies. */
export class MemoryChunkStore implements ChunkStore {
  readonly #kept = new Map<string, Kept>();
  readonly #claimed = new Set<string>();

  claim(externalId: string): Promise<(() => void) | null> {
    if (this.#claimed.has(externalId)) return Promise.resolve(null);
    this.#claimed.add(externalId);
    return Promise.resolve(() => void this.#claimed.delete(externalId));
  }

  unclaimed(): Promise<StoredRecording[]> {
    const all = Array.from(this.#kept.values(), ({ recording }) => recording);
    return Promise.resolve(all.filter(({ externalId }) => !this.#claimed.has(externalId)));
  }

  read(externalId: string): Promise<{ recording: StoredRecording; items: TimelineItem[] } | null> {
    const kept = this.#kept.get(externalId);
    return Promise.resolve(kept === undefined ? null : { recording: kept.recording, items: [...kept.items] });
  }

  write(recording: StoredRecording, changes: readonly QueueChange[]): Promise<void> {
    const kept = this.#kept.get(recording.externalId) ?? { recording, items: [] };
    kept.recording = recording;
    this.#kept.set(recording.externalId, kept);
    for (const { from, to, items } of changes) {
      const start = indexAt(kept.items, from);
      kept.items.splice(start, indexAt(kept.items, to) - start, ...items);
    }
    return Promise.resolve();
  }

  remove(externalId: string): Promise<void> {
    this.#kept.delete(externalId);
    return Promise.resolve();
  }
}

/** Of the first item that begins at this frame or later, by binary search. */
function indexAt(items: readonly TimelineItem[], frame: number): number {
  let low = 0;
  for (let high = items.length; low < high;) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.frame ?? Infinity) < frame) low = middle + 1;
    else high = middle;
  }
  return low;
}
