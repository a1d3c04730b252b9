import type { WorkDone } from './work-meter.ts';

/** Audio after which an earlier measure counts for a third (1/e) of what it did. */
const MEMORY_MS = 10 * 60_000;
/** With less the measure is chance. */
const LEAST_HEARD_MS = 30_000;
/** The rest is for what is not measured (resampling, messages), and for sessions whose speech comes at the same moments. */
const USABLE_SHARE = 0.8;

/** Estimates how many live streams a number of processes can follow, from what they have done of late. */
export class CapacityEstimate {
  #heardMs = 0;
  #recent: WorkDone = { heardMs: 0, busyMs: 0 };

  /** @param done by one of the processes, since the last time. */
  add(done: WorkDone): void {
    this.#heardMs += done.heardMs;
    this.#recent = remember(this.#recent, done);
  }

  /** @returns `null` until 30 s of audio were heard. */
  streams(processes: number): number | null {
    return this.#heardMs < LEAST_HEARD_MS ? null : streamsFollowed(processes, this.#recent);
  }
}

/** Adds to what was done before, which fades with the audio that is heard (not with time: silence teaches nothing). */
export function remember(recent: WorkDone, done: WorkDone): WorkDone {
  const kept = Math.exp(-done.heardMs / MEMORY_MS);
  return { heardMs: recent.heardMs * kept + done.heardMs, busyMs: recent.busyMs * kept + done.busyMs };
}

/** Processes × seconds of audio for each busy second × 0.8, rounded down, 1 at least; `null` when nothing was done. */
export function streamsFollowed(processes: number, { heardMs, busyMs }: WorkDone): number | null {
  if (heardMs <= 0 || busyMs <= 0) return null;
  return Math.max(1, Math.floor((processes * heardMs * USABLE_SHARE) / busyMs));
}
