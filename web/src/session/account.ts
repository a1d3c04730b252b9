import { clock, counted, lasting, percent } from '../ui/words.ts';
import type { SessionFacts } from './session-queries.ts';

/** What became of the sound, in plain words: `57:12 recorded, 48:03 speech, nothing missing`. */
export function accountOf({ coverage, status }: Pick<SessionFacts, 'coverage' | 'status'>): string {
  const { receivedMs, transcribedMs, gapMs, failedMs, pendingMs } = coverage;
  if (receivedMs === 0) return 'Nothing recorded';
  const parts = [`${clock(receivedMs)} recorded`, `${clock(transcribedMs)} speech`];
  if (gapMs > 0) parts.push(`${lasting(gapMs)} lost before the server had it`);
  if (failedMs > 0) parts.push(`${lasting(failedMs)} could not be transcribed`);
  if (pendingMs > 0) parts.push(`${lasting(pendingMs)} still to be transcribed`);
  if (gapMs + failedMs + pendingMs === 0 && status === 'COMPLETED') parts.push('nothing missing');
  return parts.join(', ');
}

/** `1,204 words, 142 a minute, 93 % confidence`; what is not known is left out. */
export function figuresOf({ wordCount, wordsPerMinute, averageConfidence }: SessionFacts['statistics']): string {
  const confidence = percent(averageConfidence);
  return [
    counted(wordCount, 'word'),
    ...(wordsPerMinute === null ? [] : [`${Math.round(wordsPerMinute)} a minute`]),
    ...(confidence === null ? [] : [`${confidence} confidence`]),
  ].join(', ');
}
