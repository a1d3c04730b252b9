import type { ChunkFraming } from '../audio/chunk-framing.ts';
import type { StoredContent } from './audio-records.ts';

/** Where an item of the timeline stands. */
export interface IndexEntry {
  readonly sequence: number;
  readonly startFrame: number;
  /** Of its record, in bytes. */
  readonly position: number;
  /** How its bytes are to be understood, by what came before it. */
  readonly framing: ChunkFraming;
}

/** Every so manieth item is in the index: one entry per 6.4 s of audio in chunks of 100 ms, 13,500 per day. */
const INDEX_INTERVAL = 64;
/**
 * An entry of a container keeps what waits for the rest of its packet. So it is put where that is little, if there is such a
 * place soon.
 */
const FEW_HELD_BYTES = 512;
const LONGEST_INTERVAL = 4 * INDEX_INTERVAL;
/** What entries keep is this share of what came, so that tiny pieces of a large packet can't fill the memory. */
const HELD_SHARE = 1 / 16;
/** As many contents are kept at hand for comparison; older ones are read from the file. */
const RECENT_CONTENTS = 256;

/** Finds the durable items of an audio log: old ones by a sparse index, and what the recent ones held without reading. */
export class AudioIndex {
  readonly #entries: IndexEntry[] = [];
  readonly #recent = new Map<number, StoredContent>();
  #itemsSinceEntry = 0;
  #bytesSinceEntry = 0;

  /** Adds the item behind all that were added before. */
  add(entry: IndexEntry, content: StoredContent): void {
    if (this.#isDue(entry)) {
      this.#entries.push(entry);
      this.#itemsSinceEntry = 0;
      this.#bytesSinceEntry = 0;
    }
    this.#itemsSinceEntry += 1;
    this.#bytesSinceEntry += content.kind === 'chunk' ? content.length : 0;
    this.#recent.set(entry.sequence, content);
    if (this.#recent.size <= RECENT_CONTENTS) return;
    for (const oldest of this.#recent.keys()) {
      this.#recent.delete(oldest);
      break;
    }
  }

  #isDue({ framing }: IndexEntry): boolean {
    if (this.#entries.length === 0) return true;
    if (framing.heldBytes <= FEW_HELD_BYTES) return this.#itemsSinceEntry >= INDEX_INTERVAL;
    return this.#itemsSinceEntry >= LONGEST_INTERVAL && framing.heldBytes <= this.#bytesSinceEntry * HELD_SHARE;
  }

  /** What an item held, when it is one of the recent ones. */
  recentContent(sequence: number): StoredContent | undefined {
    return this.#recent.get(sequence);
  }

  /** The last entry at or before the sequence number. */
  entryBySequence(sequence: number): IndexEntry | undefined {
    return this.#lastWhere((entry) => entry.sequence <= sequence);
  }

  /** The last entry that begins before the frame: an end that stands right at the frame is behind it, too. */
  entryBefore(frame: number): IndexEntry | undefined {
    return this.#lastWhere((entry) => entry.startFrame < frame);
  }

  /** The last entry for which `holds`; it holds for all entries up to some point and for none behind it. */
  #lastWhere(holds: (entry: IndexEntry) => boolean): IndexEntry | undefined {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && holds(entry)) low = middle + 1;
      else high = middle;
    }
    return this.#entries[low - 1];
  }
}
