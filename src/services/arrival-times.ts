import { TIMELINE_RATE } from '../recognition/recogniser.ts';

/** The audio before `frame` (source frames) was acknowledged at `at` (ms of a monotonic clock), as far as it was not before. */
interface Arrival {
  readonly frame: number;
  readonly at: number;
}

/** More are not kept: beyond that, neighbours become one. */
const MAX_ARRIVALS = 1_024;
/** Stretch around an utterance's end in which it is judged whether the audio came as it was spoken, in seconds. */
const JUDGED_BEFORE_SECONDS = 5;
const JUDGED_AFTER_SECONDS = 0.5;
/** In that stretch audio of so many ms may come in a share of that time, and earlier by so much: networks hold chunks back. */
const TIME_SHARE = 0.9;
const TIME_SLACK_MS = 400;

/**
 * When a session's audio was acknowledged, as far back as its undecided part needs, to tell how long after somebody had
 * stopped speaking the final was there.
 *
 * That can be told of live audio only: of a file nobody stopped speaking just now. So what comes faster than it was spoken
 * has no such figure, nor has what comes in the 5 s after it; a client whose network was away sends like that, too.
 */
export class ArrivalTimes {
  readonly #rate: number;
  /** Ascending in both. The first one is where the known begins. */
  #arrivals: Arrival[];
  /** Arrivals that are no further apart, in audio and in time, are kept as one. */
  #stepMs = 0;

  /**
   * @param rate source frames per second
   * @param frame behind the audio whose arrival is not known
   * @param at when what comes behind it was spoken at the earliest
   */
  constructor(rate: number, frame: number, at: number) {
    this.#rate = rate;
    this.#arrivals = [{ frame, at }];
  }

  /** All audio before `frame` is acknowledged, now. */
  note(frame: number, now: number): void {
    this.#add({ frame, at: now });
    while (this.#arrivals.length > MAX_ARRIVALS) this.#thinOut();
  }

  /** Nothing before `frame` will be asked for any more. */
  forgetBefore(frame: number): void {
    const judgedFrom = frame - JUDGED_BEFORE_SECONDS * this.#rate;
    const index = this.#arrivals.findLastIndex((arrival) => arrival.frame <= judgedFrom);
    if (index > 0) this.#arrivals.splice(0, index);
    if (this.#arrivals.length < MAX_ARRIVALS / 4) this.#stepMs = 0;
  }

  /**
   * Whole milliseconds from when the last audio before `endSample` (recognition timeline) was acknowledged until `now`; `null`
   * when that is not known, or the audio came faster than it was spoken. It errs to the long side: not at all while at most
   * 1,024 chunks wait to be decided, else by less than 1 % of the time that the longest has waited.
   */
  msSince(endSample: number, now: number): number | null {
    const endFrame = Math.ceil((endSample * this.#rate) / TIMELINE_RATE);
    const index = this.#arrivals.findIndex(({ frame }) => frame >= endFrame);
    const arrival = this.#arrivals[index];
    if (arrival === undefined || index === 0) return null;
    return this.#cameAsSpoken(endFrame) ? Math.round(now - arrival.at) : null;
  }

  /** Between no two moments of the stretch came more audio than can have been spoken meanwhile. */
  #cameAsSpoken(endFrame: number): boolean {
    const from = endFrame - JUDGED_BEFORE_SECONDS * this.#rate;
    const to = endFrame + JUDGED_AFTER_SECONDS * this.#rate;
    const before = this.#arrivals.findLastIndex(({ frame }) => frame <= from);
    let mostMs = -Infinity;
    for (const { frame, at } of this.#arrivals.slice(Math.max(0, before))) {
      // Rises with the time, and falls with the audio.
      const leftMs = at - this.#msOf(frame) * TIME_SHARE;
      if (leftMs < mostMs - TIME_SLACK_MS) return false;
      mostMs = Math.max(mostMs, leftMs);
      if (frame >= to) break;
    }
    return true;
  }

  #add(arrival: Arrival): void {
    const arrivals = this.#arrivals;
    const [previous, last] = [arrivals.at(-2), arrivals.at(-1)];
    const isClose =
      previous !== undefined &&
      last !== undefined &&
      this.#msOf(arrival.frame - previous.frame) <= this.#stepMs &&
      arrival.at - last.at <= this.#stepMs;
    if (isClose) arrivals[arrivals.length - 1] = { frame: arrival.frame, at: last.at };
    else if (last === undefined || arrival.frame > last.frame) arrivals.push(arrival);
  }

  #thinOut(): void {
    const [all, first, last] = [this.#arrivals, this.#arrivals[0], this.#arrivals.at(-1)];
    if (first === undefined || last === undefined) return;
    const spanMs = Math.max(this.#msOf(last.frame - first.frame), last.at - first.at);
    this.#stepMs = Math.max(2 * this.#stepMs, (4 * spanMs) / MAX_ARRIVALS);
    this.#arrivals = [first];
    for (const arrival of all.slice(1)) this.#add(arrival);
  }

  #msOf(frames: number): number {
    return (frames / this.#rate) * 1000;
  }
}
