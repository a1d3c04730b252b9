import { printable } from './printable.ts';
import type { TranscriptSegment } from './segment.ts';

/** What a player shows at a time. */
export interface Cue {
  readonly startMs: number;
  /** After `startMs`. */
  readonly endMs: number;
  readonly speaker: string | null;
  /** Two at most, unless nothing allows a split. */
  readonly lines: readonly string[];
}

// Common limits of broadcasters' subtitle guidelines: two lines of 42 characters, seven seconds.
const MAX_LINE_CHARACTERS = 42;
const MAX_CUE_CHARACTERS = 2 * MAX_LINE_CHARACTERS;
const MAX_CUE_MS = 7_000;

interface TimedWord {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * The cues of one segment. A long one is split where its words say when they were spoken; without word times it stays one
 * cue, since any time given to its parts would be invented. Put together, the cues say exactly the segment's text. A
 * segment without text has none.
 */
export function cuesOf(segment: TranscriptSegment): Cue[] {
  const text = printable(segment.text);
  if (text === '') return [];
  const endMs = Math.max(segment.endMs, segment.startMs + 1);
  const whole: Cue = { startMs: segment.startMs, endMs, speaker: segment.speaker, lines: linesOf(text) };
  if (text.length <= MAX_CUE_CHARACTERS && endMs - segment.startMs <= MAX_CUE_MS) return [whole];
  const words = timedWords(segment, text);
  if (words === null) return [whole];

  const groups = groupWords(words);
  return groups.map((group, index) => {
    const next = groups[index + 1];
    // The first and the last keep the segment's own bounds, which include a little sound around the words.
    const startMs = index === 0 ? segment.startMs : group[0].startMs;
    const lastWordEndMs = group.at(-1)?.endMs ?? group[0].endMs;
    const until = next === undefined ? endMs : Math.min(lastWordEndMs, next[0].startMs);
    return {
      startMs,
      endMs: Math.max(until, startMs + 1),
      speaker: segment.speaker,
      lines: linesOf(group.map((word) => word.text).join(' ')),
    };
  });
}

/**
 * The words with their times. One without a time stays with the word before it (the first ones with the word after them), since
 * nobody knows on which side of a split it was spoken. `null` when none has a time, or when they are not (any more) what the
 * text says.
 */
function timedWords(segment: TranscriptSegment, text: string): TimedWord[] | null {
  const words: TimedWord[] = [];
  let untimed = '';
  for (const { text: word, startMs, endMs } of segment.words) {
    const previous = words.at(-1);
    if (startMs !== null && endMs !== null) {
      if (startMs < (previous?.startMs ?? segment.startMs)) return null;
      words.push({ text: `${untimed}${printable(word)}`, startMs, endMs });
      untimed = '';
    } else if (previous === undefined) {
      untimed += `${printable(word)} `;
    } else {
      words[words.length - 1] = { ...previous, text: `${previous.text} ${printable(word)}` };
    }
  }
  return words.map((word) => word.text).join(' ') === text ? words : null;
}

type Group = [TimedWord, ...TimedWord[]];

function groupWords(words: readonly TimedWord[]): Group[] {
  const groups: Group[] = [];
  let rest = words;
  for (let [first, ...others] = rest; first !== undefined; [first, ...others] = rest) {
    const count = wordsThatFit(rest, first.startMs);
    groups.push([first, ...others.slice(0, count - 1)]);
    rest = rest.slice(count);
  }
  return groups;
}

/** How many of the words make the next cue: as many as fit, less those after the last punctuation in its second half. */
function wordsThatFit(words: readonly TimedWord[], startMs: number): number {
  let characters = -1;
  let fitting = 0;
  let sentenceEnd = 0;
  for (const word of words) {
    characters += 1 + word.text.length;
    if (fitting > 0 && (characters > MAX_CUE_CHARACTERS || word.endMs - startMs > MAX_CUE_MS)) {
      return sentenceEnd > fitting / 2 ? sentenceEnd : fitting;
    }
    fitting += 1;
    if (/[.,;:?!]$/u.test(word.text)) sentenceEnd = fitting;
  }
  return fitting;
}

/** One line if it is short enough, else two of about the same length; more only where a cue could not be split. */
function linesOf(text: string): string[] {
  if (text.length <= MAX_LINE_CHARACTERS) return [text];
  const lineCount = Math.ceil(text.length / MAX_LINE_CHARACTERS);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const remaining = lineCount - lines.length;
    const used = lines.reduce((sum, each) => sum + each.length + 1, 0);
    const target = Math.max((text.length - used) / remaining, 1);
    const longer = line === '' ? word : `${line} ${word}`;
    // Breaks before the word that would bring the line further beyond its share than leaving it out keeps it below.
    if (line !== '' && remaining > 1 && longer.length - target > target - line.length) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}
