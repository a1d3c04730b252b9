import { msToFrames } from '../audio/format.ts';
import type { AudioCutter } from './audio-cutter.ts';
import type { ChunkStore, SessionRequest, StoredRecording } from './chunk-store.ts';
import { createCutter } from './create-cutter.ts';
import type { ClientLimits } from './limits.ts';
import { SegmentOrder, type LastFinal, type SegmentListener } from './segment-order.ts';
import { SendQueue, type Gap } from './send-queue.ts';
import { Signal } from './signal.ts';
import { StoreWriter } from './store-writer.ts';
import type { AudioPiece, TimelineItem } from './timeline.ts';

interface RecordingListener extends SegmentListener {
  readonly onGap: (gap: Gap) => void;
  readonly onStoreFailure: (cause: unknown) => void;
}

/** What an earlier page or program has left of a recording. */
export interface KeptRecording {
  readonly recording: StoredRecording;
  readonly items: readonly TimelineItem[];
}

export interface RecordingParts {
  readonly store: ChunkStore;
  readonly limits: ClientLimits;
  readonly listener: RecordingListener;
  /** After which final the program wants the next one; `null`: from the first. */
  readonly lastFinal: LastFinal | null;
}

/** All of a session that outlives a connection: what was recorded, how far the server is, and which finals were given. */
export class Recording {
  readonly request: SessionRequest;
  readonly queue: SendQueue;
  readonly segments: SegmentOrder;
  /** Raised whenever something here has changed. */
  readonly changed = new Signal();
  readonly #writer: StoreWriter;
  readonly #cutter: AudioCutter;
  #sessionId: string | null;
  #isEnding: boolean;

  /** @throws VerbatimError `STORE_FAILED` when what was kept is damaged */
  constructor(
    request: SessionRequest,
    kept: KeptRecording | null,
    { store, limits, listener, lastFinal }: RecordingParts,
  ) {
    this.request = request;
    this.#sessionId = kept?.recording.sessionId ?? null;
    this.#isEnding = kept?.recording.isEnding ?? false;
    this.#writer = new StoreWriter(store, () => this.#snapshot(), listener.onStoreFailure);
    const { audio } = request;
    this.#cutter = createCutter(audio, limits);
    this.queue = new SendQueue(
      audio,
      limits,
      { onChange: (change) => this.#writer.add(change), onGap: listener.onGap },
      kept === null ? null : { head: kept.recording.head, items: kept.items },
    );
    this.segments = new SegmentOrder(
      {
        onInterim: listener.onInterim,
        onWithdrawn: listener.onWithdrawn,
        onEdited: listener.onEdited,
        onFinal: (segment) => {
          listener.onFinal(segment);
          this.#writer.add();
        },
      },
      lastFinal,
    );
    this.#writer.add();
  }

  /** Of the session at the server; `null` as long as its start was not answered. */
  get sessionId(): string | null {
    return this.#sessionId;
  }

  /** No more audio will be recorded. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** The server has answered the start. */
  begin(sessionId: string): void {
    if (this.#sessionId === sessionId) return;
    this.#sessionId = sessionId;
    this.#writer.add();
  }

  /** @throws VerbatimError `AUDIO_MALFORMED`, see `AudioCutter` */
  write(bytes: Uint8Array): void {
    this.#cutter.write(bytes, this.#give);
  }

  skip(durationMs: number): void {
    this.#cutter.skip(msToFrames(durationMs, this.request.audio.sampleRate), this.#give);
    this.queue.skip(durationMs);
    this.changed.raise();
  }

  end(): void {
    if (this.#isEnding) return;
    this.#cutter.end(this.#give);
    this.#isEnding = true;
    this.#writer.add();
    this.changed.raise();
  }

  /** Resolves when all that happened until now is in the store, if there still is one. */
  stored(): Promise<void> {
    return this.#writer.settled();
  }

  readonly #give = (piece: AudioPiece): void => {
    this.queue.write(piece);
    this.changed.raise();
  };

  #snapshot(): StoredRecording {
    return {
      externalId: this.request.externalId,
      request: this.request,
      sessionId: this.#sessionId,
      head: this.queue.head,
      lastFinal: this.segments.last,
      isEnding: this.#isEnding,
    };
  }
}
