import type { TranscriptStore } from '../../transcript/transcript-store.ts';
import { Store } from '../../ui/store.ts';
import type { TranscriptPlace } from '../transcript-panel.tsx';
import type { Playback } from './playback.ts';
import { ReaderScrolling } from './reader-scrolling.ts';
import { SpokenIndex, type Spoken } from './spoken-index.ts';
import { SpokenMarks } from './spoken-marks.ts';
import { offsetAt, textElementOf } from './text-places.ts';

/** What a transcript is kept together with: where one is, and whether time goes on there. */
export interface Timeline extends Pick<Playback, 'currentMs' | 'onMoved' | 'seek' | 'subscribe'> {
  get(): { readonly isPlaying: boolean };
}

/** Scrolling to what is not drawn yet may come to nothing on a busy machine: it is tried again after so long, in milliseconds. */
const SHOWN_AFTER_MS = 250;
/** What could not be brought into sight by then is given up, in milliseconds. */
const GIVEN_UP_AFTER_MS = 10_000;

export interface SpokenFollowing {
  /** What is playing is kept in sight. */
  readonly isFollowing: boolean;
}

/**
 * Keeps a transcript and its sound together: marks what is spoken, keeps it in sight while it plays until the reader looks
 * elsewhere, and goes to the words that are clicked. Nothing of it is drawn by React, which has no time for that in each frame.
 */
export class SpokenFollower extends Store<SpokenFollowing> {
  readonly #playback: Timeline;
  readonly #transcript: TranscriptStore;
  readonly #place: TranscriptPlace;
  readonly #marks: SpokenMarks;
  readonly #scrolling: ReaderScrolling;
  readonly #undo: (() => void)[] = [];
  #index: SpokenIndex;
  #spoken: readonly Spoken[] = [];
  /** What is drawn of the transcript has changed. */
  #isStale = false;
  #wasPlaying = false;
  /** It has not come to where it is by playing. */
  #hasMoved = false;
  #frame = 0;
  /** To be shown as soon as it is loaded, in milliseconds. */
  #awaitedMs: number | null = null;
  /** A segment to be brought into sight, since when, and when that was tried last (`performance.now()`). */
  #toShow: { readonly segment: number; readonly since: number; triedAt: number } | null = null;
  /** What a link leads to, though nothing is spoken at that very moment. */
  #linked: { readonly ms: number; readonly spoken: readonly Spoken[] } | null = null;

  constructor(playback: Timeline, transcript: TranscriptStore, place: TranscriptPlace) {
    super({ isFollowing: true });
    this.#playback = playback;
    this.#transcript = transcript;
    this.#place = place;
    this.#marks = new SpokenMarks(place.content);
    this.#index = new SpokenIndex(transcript.get().finals);
    this.#scrolling = new ReaderScrolling(() => this.#noteWhereTheReaderIs());
  }

  /** @returns what ends it */
  open(): () => void {
    const drawn = new MutationObserver(() => {
      this.#isStale = true;
      this.#request();
    });
    drawn.observe(this.#place.content, { childList: true, subtree: true, characterData: true });
    const click = (event: MouseEvent) => this.#goToClicked(event);
    this.#place.content.addEventListener('click', click);
    this.#undo.push(
      () => drawn.disconnect(),
      () => this.#place.content.removeEventListener('click', click),
      this.#scrolling.open(),
      this.#playback.onMoved(() => {
        this.#hasMoved = true;
        this.#request();
      }),
      this.#playback.subscribe(() => this.#notePlaying()),
      this.#transcript.subscribe(() => this.#noteTranscript()),
    );
    this.#request();
    return () => {
      cancelAnimationFrame(this.#frame);
      for (const undo of this.#undo.splice(0)) undo();
      this.#marks.close();
    };
  }

  /** Goes to a moment and shows what is spoken there, as soon as that is loaded. */
  goTo(ms: number): void {
    this.#playback.seek(ms);
    this.#awaitedMs = ms;
    this.#showAwaited(false);
  }

  /** Keeps what is playing in sight again. */
  follow(): void {
    this.set({ isFollowing: true });
    const segment = this.#spoken[0]?.segment ?? this.#index.near(this.#playback.currentMs);
    if (segment !== null) this.#show(segment);
  }

  /** No more of the transcript will come than there is. */
  noteWhole(): void {
    this.#showAwaited(true);
  }

  #request(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#bringIntoSight();
    const spoken = this.#spokenAt(this.#playback.currentMs);
    const isOther = !areEqual(spoken, this.#spoken);
    const before = this.#spoken[0]?.segment;
    this.#spoken = spoken;
    if (isOther || this.#isStale) this.#marks.show(this.#transcript.get().finals, spoken);
    this.#isStale = false;
    const [first] = spoken;
    const { isPlaying } = this.#playback.get();
    if ((isPlaying || this.#hasMoved) && this.get().isFollowing && first !== undefined && first.segment !== before)
      this.#keepInSight(first.segment);
    this.#hasMoved = false;
    if (isPlaying) this.#request();
  }

  #spokenAt(ms: number): readonly Spoken[] {
    const spoken = this.#index.at(ms);
    const { spoken: linked, ms: linkedMs } = this.#linked ?? { spoken, ms };
    return spoken.length === 0 && Math.abs(ms - linkedMs) < 1 ? linked : spoken;
  }

  #notePlaying(): void {
    const { isPlaying } = this.#playback.get();
    if (isPlaying === this.#wasPlaying) return;
    this.#wasPlaying = isPlaying;
    // Who presses Play wants to read along.
    if (isPlaying) this.set({ isFollowing: true });
    this.#spoken = [];
    this.#request();
  }

  #noteTranscript(): void {
    this.#index = new SpokenIndex(this.#transcript.get().finals);
    this.#showAwaited(false);
    this.#isStale = true;
    this.#request();
  }

  #showAwaited(isWhole: boolean): void {
    if (this.#awaitedMs === null) return;
    const { finals } = this.#transcript.get();
    if (!isWhole && (finals.at(-1)?.startMs ?? -1) < this.#awaitedMs) return;
    const segment = this.#index.near(this.#awaitedMs);
    if (segment !== null) this.#linked = { ms: this.#awaitedMs, spoken: [{ segment, word: null }] };
    this.#awaitedMs = null;
    this.set({ isFollowing: true });
    this.#toShow = segment === null ? null : { segment, since: performance.now(), triedAt: -Infinity };
    this.#request();
  }

  /** Until it is there, unless the reader goes elsewhere. */
  #bringIntoSight(): void {
    const wanted = this.#toShow;
    if (wanted === null) return;
    const now = performance.now();
    const isOver = this.#scrolling.wasMeantAfter(wanted.since) || now - wanted.since > GIVEN_UP_AFTER_MS;
    if (isOver || this.#isInSight(wanted.segment)) {
      this.#toShow = null;
      return;
    }
    if (now - wanted.triedAt > SHOWN_AFTER_MS) {
      this.#show(wanted.segment);
      wanted.triedAt = now;
    }
    this.#request();
  }

  #keepInSight(segment: number): void {
    if (!this.#isInSight(segment)) this.#show(segment, this.#elementOf(segment) !== null);
  }

  #isInSight(segment: number): boolean {
    const element = this.#elementOf(segment);
    return element !== null && this.#scrolling.isInSight(element);
  }

  /** `null`: it is not drawn. */
  #elementOf(segment: number): Element | null {
    const id = this.#transcript.get().finals[segment]?.id;
    return id === undefined ? null : this.#marks.elementOf(id);
  }

  #show(segment: number, isNear = false): void {
    const isSmooth = isNear && !matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#scrolling.byItself(() => this.#place.showSegment(segment, isSmooth));
  }

  #noteWhereTheReaderIs(): void {
    const [first] = this.#spoken;
    if (first === undefined) return;
    const isFollowing = this.#isInSight(first.segment);
    if (isFollowing !== this.get().isFollowing) this.set({ isFollowing });
  }

  /** Of a word that is clicked, its beginning; of a segment's time, that of the segment. */
  #goToClicked({ target, clientX, clientY, detail }: MouseEvent): void {
    if (!(target instanceof Element)) return;
    const element = target.closest<HTMLElement>('[data-segment]');
    const segment = this.#transcript.get().finals.find(({ id }) => id === element?.dataset['segment']);
    if (element === null || segment === undefined) return;
    if (target.closest('button.moment')) return this.#playback.seek(segment.startMs);
    // Somebody who selects text is reading.
    const isSelecting = detail > 1 || document.getSelection()?.isCollapsed === false;
    const text = textElementOf(element);
    const hasSound = element.querySelector('.moment') !== null;
    if (text === null || isSelecting || !hasSound || !text.contains(target)) return;
    const offset = offsetAt(text, clientX, clientY);
    if (offset === null) return;
    const stretches = this.#marks.stretchesOf(segment);
    const word = stretches.findLastIndex((stretch) => stretch !== null && stretch.start <= offset);
    this.#playback.seek(segment.words[word]?.startMs ?? segment.startMs);
  }
}

function areEqual(some: readonly Spoken[], others: readonly Spoken[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ segment, word }, index) => segment === others[index]?.segment && word === others[index].word)
  );
}
