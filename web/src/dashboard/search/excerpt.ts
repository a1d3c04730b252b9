import type { Stretch } from '../../transcript/marks.ts';

export interface Excerpt {
  readonly text: string;
  /** Where the text has what was searched for. */
  readonly hits: readonly Stretch[];
}

/** About two lines on a phone. */
const LONGEST = 240;
/** Before the first hit, when the beginning is left out. */
const BEFORE = 60;
const ELLIPSIS = '… ';

/** The text around what was found in it, cut between words where it is long. */
export function excerptOf(text: string, hits: readonly Stretch[]): Excerpt {
  const first = hits[0]?.start ?? 0;
  const start = text.length <= LONGEST || first <= BEFORE ? 0 : wordStartAfter(text, first - BEFORE, first);
  const end = text.length - start <= LONGEST ? text.length : wordEndBefore(text, start + LONGEST);
  const lead = start === 0 ? '' : ELLIPSIS;
  return {
    text: `${lead}${text.slice(start, end)}${end < text.length ? ' …' : ''}`,
    hits: hits
      .filter((hit) => hit.start >= start && hit.end <= end)
      .map((hit) => ({ start: hit.start - start + lead.length, end: hit.end - start + lead.length })),
  };
}

function wordStartAfter(text: string, from: number, latest: number): number {
  const space = text.indexOf(' ', from);
  return space === -1 || space >= latest ? latest : space + 1;
}

function wordEndBefore(text: string, end: number): number {
  const space = text.lastIndexOf(' ', end);
  return space <= 0 ? end : space;
}
