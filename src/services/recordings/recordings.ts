import { ServiceError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { SessionLookup } from '../session-lookup.ts';
import type { SessionLogDirectory } from '../session-logs.ts';
import { RecordingUnreadableError, type OpenRecording, type RecordingReader } from './recording-reader.ts';

/** As which file a recording can be had. */
export type RecordingFormat = 'WAV' | 'MP4_OPUS';

export interface RecordingsParts {
  readonly lookup: Pick<SessionLookup, 'find'>;
  readonly logs: Pick<SessionLogDirectory, 'has' | 'audioPath'>;
  readonly reader: RecordingReader;
  readonly logger: Logger;
}

/** A session's sound as 16-bit samples at the rate and with the channels that it was sent with. */
export interface Recording extends OpenRecording {
  readonly sampleRate: number;
  readonly channels: number;
  /** Nothing will be added any more. */
  readonly isComplete: boolean;
}

/** Each of them keeps a decoder and a part of a log in memory. */
const MAX_OPEN = 16;
const RETRY_WHEN_FULL_MS = 1_000;

/** Gives recordings back. Every method may throw `ServiceError`. */
export class Recordings {
  readonly #parts: RecordingsParts;
  #open = 0;

  constructor(parts: RecordingsParts) {
    this.#parts = parts;
  }

  /** What was received up to now, also while the session runs; must be closed. Sample n is that of the timeline. */
  async open(id: string): Promise<Recording> {
    const { lookup, logs, reader, logger } = this.#parts;
    const session = await lookup.find(id);
    if (session.recordingRemovedAt !== null || !logs.has(id)) {
      throw new ServiceError('NOT_FOUND', 'The recording of this session is not kept any more.');
    }
    if (this.#open >= MAX_OPEN) {
      throw new ServiceError('OVERLOADED', 'Too many recordings are being played: try again in a moment.', {
        retryAfterMs: RETRY_WHEN_FULL_MS,
      });
    }
    this.#open += 1;
    let isOpen = true;
    const closed = () => {
      if (isOpen) this.#open -= 1;
      isOpen = false;
    };
    try {
      const recording = await reader.open(logs.audioPath(id));
      const { sampleRate, channels } = session.audioFormat;
      return {
        ...recording,
        sampleRate,
        channels,
        isComplete: session.status === 'COMPLETED' || session.status === 'FAILED',
        close: () => {
          recording.close();
          closed();
        },
      };
    } catch (error) {
      closed();
      if (!(error instanceof RecordingUnreadableError)) throw error;
      logger.warn({ sessionId: id, err: error }, 'recording not readable');
      throw new ServiceError(
        'NOT_FOUND',
        'The recording of this session can not be read now, of which the server’s log says more.',
      );
    }
  }
}
