import { Store } from '../../ui/store.ts';
import { keep, readKept } from '../../ui/kept.ts';
import type { LinkState, RecordingLink } from './recording-link.ts';

/** What keeps it from being played. */
export type PlaybackProblem = 'removed' | 'deleted' | 'missing' | 'busy' | 'unreachable' | 'unplayable' | 'forbidden';

export interface PlaybackState {
  /** Somebody wants to hear it. */
  readonly isPlaying: boolean;
  /** It is wanted, and the sound is not there yet. */
  readonly isWaiting: boolean;
  /** Where it is, about four times a second; `currentMs` has it exactly. */
  readonly positionMs: number;
  /** Of the recording, up to now. */
  readonly lengthMs: number;
  /** 1: as it was spoken. */
  readonly speed: number;
  /** 0 to 1. */
  readonly volume: number;
  readonly problem: PlaybackProblem | null;
}

export interface PlaybackParts {
  readonly fetchLink: () => Promise<RecordingLink>;
  readonly stateOf: (url: string) => Promise<LinkState>;
  /** The server does not answer: whoever watches it calls `retry` when it does. */
  readonly onUnreachable: () => void;
  readonly lengthMs: number;
}

export const SPEEDS: readonly number[] = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const SPEED = 'playback-speed';
const VOLUME = 'playback-volume';
/** A link that failed is tried again once; a second failure within this time, in milliseconds, is not bad luck. */
const SECOND_FAILURE_MS = 5_000;
const BUSY_PAUSE_MS = 2_000;
/** Of the end of a recording that has grown meanwhile, in milliseconds: less is not worth a new request. */
const GROWN_MS = 250;

/** The sound of a session: one media element, which is given a link when somebody wants to hear it. */
export class Playback extends Store<PlaybackState> {
  /** What makes the sound; belongs on the page, without being seen. */
  readonly element = new Audio();
  readonly #parts: PlaybackParts;
  readonly #moved = new Set<() => void>();
  /** `null`: none was fetched, or it is no good any more. */
  #url: string | null = null;
  /** Where to begin when the sound is there, in milliseconds; `null`: it is there. */
  #pendingMs: number | null = 0;
  #failedAt = -Infinity;
  #busyTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(parts: PlaybackParts) {
    const speed = Number(readKept(SPEED) ?? 1);
    const volume = Number(readKept(VOLUME) ?? 1);
    super({
      isPlaying: false,
      isWaiting: false,
      positionMs: 0,
      lengthMs: parts.lengthMs,
      speed: SPEEDS.includes(speed) ? speed : 1,
      volume: volume >= 0 && volume <= 1 ? volume : 1,
      problem: null,
    });
    this.#parts = parts;
    this.element.preload = 'metadata';
    this.element.volume = this.get().volume;
    this.#listen();
    // So that a press on Play need not wait for it, which some browsers would not take for a press any more.
    void this.#fetchLink();
  }

  /** Exactly where it is, in milliseconds. */
  get currentMs(): number {
    return this.#pendingMs ?? this.element.currentTime * 1_000;
  }

  /** Calls back whenever it is somewhere else without having played up to there. @returns what ends that */
  onMoved(listener: () => void): () => void {
    this.#moved.add(listener);
    return () => void this.#moved.delete(listener);
  }

  play(): void {
    const isAtEnd = this.currentMs >= this.get().lengthMs - GROWN_MS;
    if (isAtEnd && this.get().lengthMs > 0 && !this.#hasGrown()) this.seek(0);
    this.#change({ isPlaying: true, isWaiting: true });
    this.#start();
  }

  pause(): void {
    this.#change({ isPlaying: false, isWaiting: false });
    this.element.pause();
  }

  toggle(): void {
    if (this.get().isPlaying) this.pause();
    else this.play();
  }

  /** @param ms beyond the ends is at the ends */
  seek(ms: number): void {
    const to = Math.max(0, Math.min(ms, this.get().lengthMs));
    if (this.#pendingMs === null && to <= this.#loadedMs()) this.element.currentTime = to / 1_000;
    else {
      const isLoading = this.#pendingMs !== null;
      this.#pendingMs = to;
      // What the element has was all there was when it was fetched.
      if (!isLoading) this.#load();
    }
    this.#change({ positionMs: to });
    for (const listener of this.#moved) listener();
  }

  skip(ms: number): void {
    this.seek(this.currentMs + ms);
  }

  setSpeed(speed: number): void {
    keep(SPEED, speed === 1 ? null : String(speed));
    this.element.playbackRate = speed;
    this.#change({ speed });
  }

  /** @param step how many speeds faster (1) or slower (-1) */
  changeSpeed(step: number): void {
    const index = SPEEDS.indexOf(this.get().speed) + step;
    this.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, index))] ?? 1);
  }

  setVolume(volume: number): void {
    keep(VOLUME, volume === 1 ? null : String(volume));
    this.element.volume = volume;
    this.#change({ volume });
  }

  /** More of it was recorded, or it is known now how long it is. */
  setLength(lengthMs: number): void {
    this.#change({ lengthMs });
  }

  /** The server answers again. */
  retry(): void {
    const { problem } = this.get();
    if (problem !== 'unreachable' && problem !== 'busy') return;
    this.#change({ problem: null });
    this.#reload();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#busyTimer);
    this.element.pause();
    this.element.removeAttribute('src');
    this.element.remove();
    this.element.load();
  }

  #listen(): void {
    const media = this.element;
    media.addEventListener('loadedmetadata', () => {
      const to = this.#pendingMs ?? 0;
      this.#pendingMs = null;
      media.currentTime = Math.min(to, this.#loadedMs()) / 1_000;
      media.playbackRate = this.get().speed;
    });
    media.addEventListener('playing', () => this.#change({ isWaiting: false, problem: null }));
    media.addEventListener('waiting', () => this.#change({ isWaiting: this.get().isPlaying }));
    media.addEventListener('timeupdate', () => this.#change({ positionMs: this.currentMs }));
    media.addEventListener('seeked', () => {
      for (const listener of this.#moved) listener();
    });
    media.addEventListener('ended', () => {
      if (this.#hasGrown()) this.#reload();
      else this.#change({ isPlaying: false, isWaiting: false, positionMs: this.currentMs });
    });
    // A headset's button, or a telephone call.
    media.addEventListener('pause', () => {
      if (!media.ended && this.#pendingMs === null) this.#change({ isPlaying: false, isWaiting: false });
    });
    media.addEventListener('error', () => {
      if (media.hasAttribute('src')) void this.#recover();
    });
  }

  /** Of what the element was given, in milliseconds. */
  #loadedMs(): number {
    return Number.isFinite(this.element.duration) ? this.element.duration * 1_000 : 0;
  }

  #hasGrown(): boolean {
    return this.#pendingMs === null && this.get().lengthMs > this.#loadedMs() + GROWN_MS;
  }

  #start(): void {
    if (this.#url === null) void this.#fetchLink();
    else if (!this.element.hasAttribute('src') || this.element.error !== null) this.#reload();
    else if (this.element.ended && this.#hasGrown()) this.#reload();
    else this.#playMedia();
  }

  /** Fetches the same sound, or more of it, from where it is. */
  #reload(): void {
    this.#pendingMs = this.currentMs;
    if (this.#url === null) void this.#fetchLink();
    else this.#load();
  }

  #load(): void {
    if (this.#url === null || this.#isClosed) return;
    this.element.src = this.#url;
    if (this.get().isPlaying) this.#playMedia();
  }

  #playMedia(): void {
    this.element.play().catch((error: unknown) => {
      // Another load has taken its place, or what is wrong is told as an error of the element.
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
      this.#change({ isPlaying: false, isWaiting: false, problem: 'forbidden' });
    });
  }

  async #fetchLink(): Promise<void> {
    const link = await this.#parts.fetchLink();
    if (this.#isClosed) return;
    if (link.kind !== 'link') return this.#fail(link.kind);
    this.#url = link.url;
    this.#change({ problem: null });
    if (this.get().isPlaying) this.#load();
  }

  /** Finds out what is wrong, and goes on from the same place where that can be mended. */
  async #recover(): Promise<void> {
    this.#pendingMs = this.currentMs;
    const url = this.#url ?? '';
    const state = await this.#parts.stateOf(url);
    if (this.#isClosed || url !== this.#url) return;
    const isSecond = performance.now() - this.#failedAt < SECOND_FAILURE_MS;
    this.#failedAt = performance.now();
    if (state === 'unreachable' || state === 'busy') return this.#fail(state);
    if (isSecond) return this.#fail(state === 'fine' ? 'unplayable' : 'missing');
    if (state !== 'fine') {
      // Links are good for a day.
      this.#url = null;
      await this.#fetchLink();
    } else this.#load();
  }

  #fail(problem: PlaybackProblem): void {
    const isForNow = problem === 'unreachable' || problem === 'busy';
    this.#change({ problem, ...(isForNow ? {} : { isPlaying: false, isWaiting: false }) });
    if (problem === 'unreachable') this.#parts.onUnreachable();
    if (problem === 'busy') this.#busyTimer = setTimeout(() => this.retry(), BUSY_PAUSE_MS);
  }

  #change(change: Partial<PlaybackState>): void {
    this.set({ ...this.get(), ...change });
  }
}
