import type { Segment } from '../client/segments.ts';
import { printable } from '../transcripts/printable.ts';
import { voiceOf } from '../transcripts/voices.ts';

/** The part of `process.stderr` that is used. */
export interface CaptionOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const FALLBACK_COLUMNS = 80;
const BAR_WIDTH = 24;
/** Milliseconds between two redrawings for the sake of the progress bar alone. */
const PROGRESS_INTERVAL_MS = 50;

/**
 * A transcript as it comes into being: finals scroll by, and below them the sentence that is being spoken and a progress bar
 * are rewritten in place. Where there is no terminal nothing can be rewritten: then, if asked for, each draft and each final is
 * a line of its own. Notes are printed in any case.
 */
export class LiveCaptions {
  readonly #output: CaptionOutput;
  readonly #interactive: boolean;
  /** Each draft a line, where nothing can be rewritten. */
  readonly #linewise: boolean;
  readonly #dim: (text: string) => string;
  readonly #channels: number;
  /** By channel: what is being spoken. */
  readonly #interims = new Map<number, Segment>();
  #progress: string | null = null;
  #drawnLines = 0;
  #drawnAt = -Infinity;

  /**
   * @param options.always also where there is no terminal
   * @param options.channels of the audio: of several, each line tells which one it is of
   */
  constructor(
    output: CaptionOutput,
    environment: NodeJS.ProcessEnv,
    { always = false, channels = 1 }: { readonly always?: boolean; readonly channels?: number } = {},
  ) {
    this.#output = output;
    this.#channels = channels;
    this.#interactive = output.isTTY === true && environment['TERM'] !== 'dumb';
    this.#linewise = always && !this.#interactive;
    // https://no-color.org: set and not empty.
    const colours = this.#interactive && !environment['NO_COLOR'];
    this.#dim = (text) => (colours ? `\u001b[2m${text}\u001b[22m` : text);
  }

  /** A revision of an interim, or a final, which settles it. */
  showSegment(segment: Segment): void {
    if (this.#linewise) this.#showLine(segment);
    if (!this.#interactive) return;
    if (segment.kind === 'INTERIM') {
      if (segment.text !== '') this.#interims.set(segment.channel, segment);
      else this.#settle(segment);
      this.#draw();
      return;
    }
    this.#settle(segment);
    this.#print(`${this.#dim(clock(segment.startMs))}  ${this.#voiced(segment)}`);
  }

  showProgress(doneMs: number, totalMs: number, backlogMs: number): void {
    if (!this.#interactive) return;
    const share = totalMs === 0 ? 1 : Math.min(1, doneMs / totalMs);
    const filled = Math.round(share * BAR_WIDTH);
    const backlog = backlogMs < 1000 ? '' : `  ${(backlogMs / 1000).toFixed(0)} s to be recognised`;
    this.#progress = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}  ${clock(doneMs)} of ${clock(totalMs)}${backlog}`;
    if (performance.now() - this.#drawnAt >= PROGRESS_INTERVAL_MS) this.#draw();
  }

  /** Something to be told beside the transcript. */
  note(text: string): void {
    this.#print(text);
  }

  /** Takes away what is not settled: nothing more will come. */
  finish(): void {
    this.#interims.clear();
    this.#progress = null;
    this.#draw();
  }

  #showLine(segment: Segment): void {
    if (segment.text === '') return;
    const mark = segment.kind === 'INTERIM' ? '… ' : '';
    this.#output.write(`${clock(segment.startMs)}  ${mark}${this.#voiced(segment)}\n`);
  }

  #settle({ id, channel }: Segment): void {
    if (this.#interims.get(channel)?.id === id) this.#interims.delete(channel);
  }

  #voiced(segment: Segment): string {
    return `${this.#voice(segment)}${printable(segment.text)}`;
  }

  #voice(segment: Segment): string {
    const voice = voiceOf(segment, this.#channels);
    return voice === null ? '' : `${printable(voice)}: `;
  }

  #print(line: string): void {
    this.#output.write(`${this.#takeBack()}${line}\n`);
    this.#draw();
  }

  #draw(): void {
    // A line as wide as the terminal would wrap, and could not be taken back.
    const width = (this.#output.columns ?? FALLBACK_COLUMNS) - 1;
    const lines: string[] = [];
    for (const interim of [...this.#interims.values()].toSorted((a, b) => a.channel - b.channel)) {
      const beginning = `${clock(interim.startMs)}  ${this.#voice(interim)}`;
      // A long name leaves room for some words all the same.
      const start = charactersOf(beginning)
        .slice(0, Math.floor(width / 2))
        .join('');
      const text = printable(interim.text);
      const unsettled = text.length - printable(interim.text.slice(0, interim.stableLength)).length;
      const shown = tail(text, width - charactersOf(start).length);
      const settled = shown.slice(0, Math.max(0, shown.length - unsettled));
      lines.push(`${this.#dim(start)}${settled}${this.#dim(shown.slice(settled.length))}`);
    }
    if (this.#progress !== null) lines.push(charactersOf(this.#progress).slice(0, width).join(''));
    // In one piece, so that nobody sees the gap between old and new.
    const change = this.#takeBack() + lines.join('\n');
    if (change !== '') this.#output.write(change);
    this.#drawnLines = lines.length;
    this.#drawnAt = performance.now();
  }

  /** What erases the lines that are drawn: ECMA-48 erase in line (EL 2) and cursor up (CUU 1). */
  #takeBack(): string {
    if (this.#drawnLines === 0) return '';
    const sequence = `\r\u001b[2K${'\u001b[1A\u001b[2K'.repeat(this.#drawnLines - 1)}`;
    this.#drawnLines = 0;
    return sequence;
  }
}

/** The end of the text, where the news is, in at most `width` characters. */
function tail(text: string, width: number): string {
  const characters = charactersOf(text);
  return characters.length <= width ? text : `…${characters.slice(1 - Math.max(width, 2)).join('')}`;
}

/** As people count them: an accent or a joined emoji takes no place of its own. */
function charactersOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** `m:ss`, or `h:mm:ss` from an hour on. */
export function clock(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${twoDigits(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${twoDigits(seconds % 60)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
