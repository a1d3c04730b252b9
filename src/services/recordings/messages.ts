/** What is asked of the process that reads recordings. */
export type RecordingCall =
  /** Opens a log for reading, under a number of the caller's choice. */
  | { readonly type: 'open'; readonly recording: number; readonly path: string }
  | { readonly type: 'read'; readonly recording: number; readonly fromFrame: number; readonly frames: number }
  /** The peaks of so many frames, in buckets of `bucketFrames`. */
  | {
      readonly type: 'measure';
      readonly recording: number;
      readonly fromFrame: number;
      readonly frames: number;
      readonly bucketFrames: number;
    }
  /** The second's Opus packets. */
  | { readonly type: 'encode'; readonly recording: number; readonly second: number }
  | { readonly type: 'close'; readonly recording: number }
  /** Lets go of what is kept open of this log, though nobody uses it. */
  | { readonly type: 'forget'; readonly path: string };

export interface RecordingRequest {
  readonly id: number;
  readonly call: RecordingCall;
}

export interface RecordingReply {
  readonly id: number;
  /** Of `open`: how many frames there are. Of `read`: the samples. Of `encode`: the packets. Of `measure`: the peaks. */
  readonly outcome:
    | { readonly type: 'opened'; readonly frames: number }
    | { readonly type: 'bytes'; readonly bytes: Uint8Array }
    | { readonly type: 'peaks'; readonly peaks: readonly Uint16Array[] }
    | { readonly type: 'done' }
    | { readonly type: 'failed'; readonly message: string };
}

export function isRecordingRequest(message: unknown): message is RecordingRequest {
  return typeof message === 'object' && message !== null && 'id' in message && 'call' in message;
}

export function isRecordingReply(message: unknown): message is RecordingReply {
  return typeof message === 'object' && message !== null && 'id' in message && 'outcome' in message;
}
