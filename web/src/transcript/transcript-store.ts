import { Store } from '../ui/store.ts';
import type { ShownSegment } from './segments.ts';

export interface Transcript {
  /** In the order of their sequence, each once. */
  readonly finals: readonly ShownSegment[];
  /** What is being spoken: one of each channel at most. */
  readonly interims: readonly ShownSegment[];
}

/** Shown together, so that the many segments of a session that is caught up with are one change of the page. */
const TOGETHER_MS = 16;

/** The segments of one session as they come. */
export class TranscriptStore extends Store<Transcript> {
  #finals: ShownSegment[] = [];
  #interims = new Map<string, ShownSegment>();
  #isWaiting = false;

  constructor() {
    super({ finals: [], interims: [] });
  }

  /** Of the last final: where a subscription resumes. */
  get cursor(): string | null {
    return this.#finals.at(-1)?.cursor ?? null;
  }

  /** Adds a final once; shows the newest version of each in its place, and takes an interim without a text away. */
  receive(segment: ShownSegment): void {
    this.#interims.delete(segment.id);
    if (segment.kind === 'INTERIM') this.#receiveInterim(segment);
    else if ((segment.sequence ?? 0) > (this.#finals.at(-1)?.sequence ?? 0)) this.#finals.push(segment);
    else this.#replace(segment);
    this.#change();
  }

  /** Who speaks on each channel, in segments that have no name of their own. */
  nameChannels(speakers: readonly (string | null)[]): void {
    const named = this.#finals.map((final) => {
      const speaker = final.ownSpeaker ?? speakers[final.channel] ?? null;
      return speaker === final.speaker ? final : { ...final, speaker };
    });
    if (named.every((final, index) => final === this.#finals[index])) return;
    this.#finals = named;
    this.#change();
  }

  withdraw(id: string): void {
    if (this.#interims.delete(id)) this.#change();
  }

  /** What was being spoken when the connection was lost may have ended meanwhile. */
  forgetInterims(): void {
    this.#interims.clear();
    this.#change();
  }

  clear(): void {
    this.#finals = [];
    this.forgetInterims();
  }

  #replace(segment: ShownSegment): void {
    const index = this.#finals.findLastIndex(({ id }) => id === segment.id);
    const known = this.#finals[index];
    if (known !== undefined && known.revision < segment.revision) this.#finals[index] = segment;
  }

  #receiveInterim(segment: ShownSegment): void {
    for (const other of this.#interims.values()) if (other.channel === segment.channel) this.#interims.delete(other.id);
    if (segment.text !== '') this.#interims.set(segment.id, segment);
  }

  #change(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      this.set({ finals: [...this.#finals], interims: [...this.#interims.values()] });
    }, TOGETHER_MS);
  }
}
