import type { StreamRequest } from './messages.ts';
import {
  RecognitionFailure,
  type RecognitionListener,
  type RecognitionStream,
  type StreamOptions,
} from './recogniser.ts';
import type { SupervisedProcess } from './supervised-process.ts';

/** The parent's end of a stream. Until there is a process for it, it keeps what is written. */
export class PooledStream implements RecognitionStream {
  readonly #streamId: number;
  readonly #listener: RecognitionListener;
  readonly #onOver: () => void;
  readonly #unsent: StreamRequest[];
  #process: SupervisedProcess | null = null;
  #closed = false;

  /** @param onOver it ended, failed or was closed; may be called more than once. */
  constructor(streamId: number, options: StreamOptions, listener: RecognitionListener, onOver: () => void) {
    this.#streamId = streamId;
    this.#listener = {
      onInterim: (interim) => listener.onInterim(interim),
      onDecision: (decision) => listener.onDecision(decision),
      onProgress: (frame) => listener.onProgress(frame),
      onEnded: (resume) => {
        onOver();
        listener.onEnded(resume);
      },
      onFailure: (failure) => {
        onOver();
        listener.onFailure(failure);
      },
    };
    this.#onOver = onOver;
    this.#unsent = [{ type: 'open', streamId, options }];
  }

  attach(process: SupervisedProcess): void {
    this.#process = process;
    process.addListener(this.#streamId, this.#listener);
    for (const request of this.#unsent.splice(0)) process.send(request);
  }

  writeAudio(startFrame: number, bytes: Uint8Array): void {
    this.#request({ type: 'audio', streamId: this.#streamId, startFrame, bytes });
  }

  writeGap(startFrame: number, frames: number): void {
    this.#request({ type: 'gap', streamId: this.#streamId, startFrame, frames });
  }

  end(): void {
    this.#request({ type: 'end', streamId: this.#streamId });
  }

  close(): void {
    this.#request({ type: 'close', streamId: this.#streamId });
    this.#closed = true;
    this.#process?.removeListener(this.#streamId);
    this.#onOver();
  }

  /** Fails it for a reason that has nothing to do with its audio: its owner may open it again. */
  interrupt(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#process?.removeListener(this.#streamId);
    this.#listener.onFailure(new RecognitionFailure(reason, 'outside'));
  }

  #request(request: StreamRequest): void {
    if (this.#closed) return;
    if (this.#process) this.#process.send(request);
    else this.#unsent.push(request);
  }
}
