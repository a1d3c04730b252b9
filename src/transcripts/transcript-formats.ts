import { toCsv } from './csv.ts';
import { cuesOf, type Cue } from './cues.ts';
import { printable } from './printable.ts';
import type { TranscriptSegment } from './segment.ts';
import { voiceOf } from './voices.ts';

export const TRANSCRIPT_FORMATS = ['txt', 'srt', 'vtt', 'json', 'csv'] as const;
export type TranscriptFormat = (typeof TRANSCRIPT_FORMATS)[number];

/**
 * A transcript as text, ending with a line break (or empty, when there is nothing to say). For people its segments are in the
 * order of time, which that of `sequence` is not where several channels speak at once.
 *
 * @param segments finals, in the order of their `sequence`
 * @param session of which there is all in `json`
 */
export function formatTranscript(
  format: TranscriptFormat,
  segments: readonly TranscriptSegment[],
  session: { readonly audioFormat: { readonly channels: number } },
): string {
  const { channels } = session.audioFormat;
  const voiced = segments
    .map((segment) => ({ ...segment, speaker: voiceOf(segment, channels) }))
    .toSorted((a, b) => a.startMs - b.startMs || a.channel - b.channel);
  switch (format) {
    case 'txt':
      return toText(voiced);
    case 'srt':
      return toSubRip(voiced);
    case 'vtt':
      return toWebVtt(voiced);
    case 'csv':
      return toCsv(voiced);
    case 'json':
      return `${JSON.stringify({ session, segments }, null, 2)}\n`;
  }
}

/** One segment a line, as it reads; who speaks stands before it, where that is known. */
export function toText(segments: readonly TranscriptSegment[]): string {
  return segments
    .map(({ speaker, text }) => `${speaker === null ? '' : `${printable(speaker)}: `}${printable(text)}\n`)
    .join('');
}

/**
 * SubRip (`.srt`), as players read it: https://www.matroska.org/technical/subtitles.html#srt-subtitles. It has no way to
 * escape anything, so what would end a cue's text (a blank line, an arrow) is kept out of it.
 */
export function toSubRip(segments: readonly TranscriptSegment[]): string {
  return inOrder(segments)
    .map(
      (cue, index) =>
        `${index + 1}\n${timestamp(cue.startMs, ',')} --> ${timestamp(cue.endMs, ',')}\n${withSpeaker(cue)
          .map((line) => line.replaceAll('-->', '→'))
          .join('\n')}\n`,
    )
    .join('\n');
}

/** WebVTT (`.vtt`): https://www.w3.org/TR/webvtt1/, with a voice span where the speaker is known. */
export function toWebVtt(segments: readonly TranscriptSegment[]): string {
  const cues = inOrder(segments).map((cue) => {
    const voice = cue.speaker === null ? '' : `<v ${escapeWebVtt(printable(cue.speaker))}>`;
    const text = cue.lines.map(escapeWebVtt).join('\n');
    return `\n${timestamp(cue.startMs, '.')} --> ${timestamp(cue.endMs, '.')}\n${voice}${text}\n`;
  });
  return `WEBVTT\n${cues.join('')}`;
}

/** Several channels speak at once; players want cues by start time (WebVTT demands it). */
function inOrder(segments: readonly TranscriptSegment[]): Cue[] {
  return segments.flatMap(cuesOf).toSorted((a, b) => a.startMs - b.startMs);
}

function withSpeaker({ speaker, lines }: Cue): string[] {
  if (speaker === null) return [...lines];
  return lines.map((line, index) => (index === 0 ? `${printable(speaker)}: ${line}` : line));
}

/** `<` and `&` would begin a tag or a character reference, `>` could complete an arrow. */
function escapeWebVtt(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** `HH:MM:SS,mmm`; more than two digits of hours when there are that many. */
function timestamp(milliseconds: number, decimalMark: ',' | '.'): string {
  const seconds = Math.floor(milliseconds / 1000);
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((value) => String(value).padStart(2, '0'))
    .join(':');
  return `${clock}${decimalMark}${String(milliseconds % 1000).padStart(3, '0')}`;
}
