import { printable } from './printable.ts';
import type { TranscriptSegment } from './segment.ts';

const COLUMNS = ['sequence', 'startMs', 'endMs', 'channel', 'speaker', 'avgConfidence', 'text'];

/**
 * Comma-separated values, a segment a line below one line of names: https://www.rfc-editor.org/rfc/rfc4180. What is not known
 * is empty. Texts that a spreadsheet would take for a formula begin with an apostrophe, since names and words come from other
 * people: https://owasp.org/www-community/attacks/CSV_Injection.
 */
export function toCsv(segments: readonly TranscriptSegment[]): string {
  const lines = segments.map(({ sequence, startMs, endMs, channel, speaker, avgConfidence, text }) => [
    sequence ?? '',
    startMs,
    endMs,
    channel,
    speaker === null ? '' : quoted(speaker),
    avgConfidence ?? '',
    quoted(text),
  ]);
  return [COLUMNS, ...lines].map((line) => `${line.join(',')}\r\n`).join('');
}

function quoted(text: string): string {
  const line = printable(text);
  return `"${/^[=+\-@]/u.test(line) ? "'" : ''}${line.replaceAll('"', '""')}"`;
}
