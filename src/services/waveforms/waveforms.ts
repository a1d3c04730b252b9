import { setTimeout as delay } from 'node:timers/promises';
import type { SessionRecord } from '../../database/session-records.ts';
import { ServiceError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { isRunning } from '../open-session.ts';
import type { Recordings } from '../recordings/recordings.ts';
import type { SessionLogDirectory } from '../session-logs.ts';
import { Measurement } from './measurement.ts';
import { PeakSummary } from './peak-summary.ts';
import { keepPeaks, readKeptPeaks } from './waveform-file.ts';

/** How loud a recording is over time. */
export interface Waveform {
  /** Of the whole timeline. */
  readonly durationMs: number;
  /** What of it was measured: less than `durationMs` while that is under way. */
  readonly measuredMs: number;
  /** Length of a stretch; the last one may be shorter. */
  readonly stretchMs: number;
  /** Of each channel, for each stretch that was measured: the largest magnitude of a sample, 0..1; `null` where there is no audio. */
  readonly peaks: readonly (readonly (number | null)[])[];
}

export interface WaveformsParts {
  readonly recordings: Pick<Recordings, 'open'>;
  readonly logs: Pick<SessionLogDirectory, 'has' | 'audioPath'>;
  /** Whether there is room on the disk for what can be made again. */
  readonly hasRoom: () => boolean;
  readonly logger: Logger;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** How long an answer waits for a measurement, in milliseconds. @default 2_000 */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 2_000;
/** Measured at a time; they share one process with those who listen. */
const MAX_RUNNING = 4;
/** Kept in memory; those of recordings that are over are kept on disk. */
const MAX_KEPT = 64;
const SECOND_MS = 1_000;

/** Tells how loud recordings are, without keeping anybody waiting for long: what is not measured yet is to be asked for again. */
export class Waveforms {
  readonly #parts: WaveformsParts;
  /** The one asked for last comes last. */
  readonly #measurements = new Map<string, Measurement>();

  constructor(parts: WaveformsParts) {
    this.#parts = parts;
  }

  /**
   * @param count how many stretches there may be
   * @returns `null` when the recording is not kept any more, or can't be read
   */
  async of(session: SessionRecord, count: number): Promise<Waveform | null> {
    const { logs, patienceMs = PATIENCE_MS } = this.#parts;
    if (session.recordingRemovedAt !== null || !logs.has(session.id)) return null;
    const { nextSequence } = session;
    const whole = isRunning(session)
      ? null
      : { nextSequence, keep: (summary: PeakSummary) => this.#keep(session, summary) };
    const kept = whole === null ? null : await this.#readKept(session);
    if (kept !== null) return waveformOf(session, count, kept, kept.readFrames);
    const measurement = this.#measurementOf(session.id);
    if (this.#mayRun(measurement)) {
      const answered = new AbortController();
      const { signal } = answered;
      const patience = delay(patienceMs, undefined, { signal, ref: false }).catch(() => undefined);
      await Promise.race([measurement.measure(whole), patience]);
      answered.abort();
    }
    if (measurement.error !== null && !isForNow(measurement.error)) return null;
    const { summary, totalFrames } = measurement;
    if (summary !== null) return waveformOf(session, count, summary, totalFrames);
    const { channels, sampleRate } = session.audioFormat;
    const expectedFrames = Math.floor((session.coverage.receivedMs * sampleRate) / SECOND_MS);
    return waveformOf(session, count, new PeakSummary(channels, expectedFrames), expectedFrames);
  }

  /** The recording of this session is about to be removed. */
  forget(id: string): void {
    this.#measurements.get(id)?.cancel();
    this.#measurements.delete(id);
  }

  /** Measures nothing any more. */
  stop(): void {
    for (const id of this.#measurements.keys()) this.forget(id);
  }

  #measurementOf(id: string): Measurement {
    const { recordings, now } = this.#parts;
    const measurement = this.#measurements.get(id) ?? new Measurement({ open: () => recordings.open(id), now });
    this.#measurements.delete(id);
    this.#measurements.set(id, measurement);
    for (const [other, { isRunning: runs }] of this.#measurements) {
      if (this.#measurements.size <= MAX_KEPT) break;
      if (!runs && other !== id) this.#measurements.delete(other);
    }
    return measurement;
  }

  #mayRun(measurement: Measurement): boolean {
    if (measurement.isRunning) return true;
    return [...this.#measurements.values()].filter(({ isRunning: runs }) => runs).length < MAX_RUNNING;
  }

  async #keep({ id, nextSequence }: SessionRecord, summary: PeakSummary): Promise<void> {
    const { logs, logger, hasRoom } = this.#parts;
    if (!hasRoom()) return;
    try {
      await keepPeaks(logs.audioPath(id), nextSequence, summary);
      this.#measurements.delete(id);
    } catch (error) {
      // It stays in memory, and may be measured again one day.
      logger.warn({ sessionId: id, err: error }, 'waveform not kept');
    }
  }

  #readKept({ id, nextSequence }: SessionRecord): Promise<PeakSummary | null> {
    // Whatever else it is that is there, it is measured again.
    return readKeptPeaks(this.#parts.logs.audioPath(id), nextSequence).catch(() => null);
  }
}

function waveformOf(
  { audioFormat }: SessionRecord,
  count: number,
  summary: PeakSummary,
  totalFrames: number,
): Waveform {
  const { frames, peaks } = summary.stretches(totalFrames, count);
  const inMs = (value: number) => (value * SECOND_MS) / audioFormat.sampleRate;
  return {
    durationMs: Math.floor(inMs(totalFrames)),
    measuredMs: Math.floor(inMs(summary.readFrames)),
    stretchMs: inMs(frames),
    peaks,
  };
}

/** It may work at the next attempt. */
function isForNow(error: unknown): boolean {
  return error instanceof ServiceError && error.code === 'OVERLOADED';
}
