import { wordStretches, type Stretch } from '../../transcript/marks.ts';
import type { ShownSegment } from '../../transcript/segments.ts';
import type { Spoken } from './spoken-index.ts';
import { rangeOf, textElementOf } from './text-places.ts';

const HIGHLIGHT = 'spoken-word';
/** On the element of a segment that is spoken: `word` when one of its words is marked, else `whole`. */
const ATTRIBUTE = 'data-spoken';

/**
 * Marks what is spoken without touching what React has drawn: words by the CSS Custom Highlight API
 * (https://drafts.csswg.org/css-highlight-api-1/), segments by an attribute that nobody else uses.
 */
export class SpokenMarks {
  readonly #content: HTMLElement;
  readonly #highlight = 'highlights' in CSS ? new Highlight() : null;
  readonly #stretches = new WeakMap<ShownSegment, readonly (Stretch | null)[]>();
  #marked: Element[] = [];

  constructor(content: HTMLElement) {
    this.#content = content;
    if (this.#highlight !== null) CSS.highlights.set(HIGHLIGHT, this.#highlight);
  }

  show(finals: readonly ShownSegment[], spoken: readonly Spoken[]): void {
    this.#highlight?.clear();
    const before = this.#marked;
    this.#marked = [];
    for (const { segment: index, word } of spoken) {
      const segment = finals[index];
      const element = segment === undefined ? null : this.elementOf(segment.id);
      if (segment === undefined || element === null) continue;
      element.setAttribute(ATTRIBUTE, this.#markWord(element, segment, word) ? 'word' : 'whole');
      this.#marked.push(element);
    }
    for (const element of before) if (!this.#marked.includes(element)) element.removeAttribute(ATTRIBUTE);
  }

  /** Nothing is marked any more. */
  close(): void {
    this.show([], []);
    if (this.#highlight !== null) CSS.highlights.delete(HIGHLIGHT);
  }

  /** `null`: it is not near what is in sight. */
  elementOf(id: string): Element | null {
    return this.#content.querySelector(`[data-segment="${CSS.escape(id)}"]`);
  }

  /** @returns whether its words can be marked, though none of them may have begun */
  #markWord(element: Element, segment: ShownSegment, word: number | null): boolean {
    if (this.#highlight === null || (segment.words[0]?.startMs ?? null) === null) return false;
    const range = word === null ? null : this.#rangeOf(element, segment, word);
    if (range !== null) this.#highlight.add(range);
    return word === null || range !== null;
  }

  /** `null` where the text does not have the word, as when somebody has edited it. */
  #rangeOf(element: Element, segment: ShownSegment, word: number): Range | null {
    const text = textElementOf(element);
    if (text?.textContent !== segment.text) return null;
    const stretch = this.stretchesOf(segment)[word] ?? null;
    return stretch === null ? null : rangeOf(text, stretch);
  }

  /** Where the words of a segment stand in its text. */
  stretchesOf(segment: ShownSegment): readonly (Stretch | null)[] {
    const known = this.#stretches.get(segment) ?? wordStretches(segment.text, segment.words);
    this.#stretches.set(segment, known);
    return known;
  }
}
