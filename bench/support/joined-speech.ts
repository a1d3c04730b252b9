import { bytesPerFrame } from '../../src/audio/format.ts';
import { readRecording, type RecordedAudio, type SpeechFile } from './speech.ts';

/** Between two recordings: long enough to end an utterance whatever the setting. */
const PAUSE_MS = 1_500;

/**
 * One recording made of several, with digital silence between them: those of the first one's format, taken from all over the
 * folder, so that its speakers and sources are mixed.
 *
 * @param seconds the least that it lasts, if there is so much.
 * @param first index of the recording it begins with, so that several such recordings differ.
 */
export async function joinSpeech(
  files: readonly SpeechFile[],
  { seconds, first = 0 }: { readonly seconds: number; readonly first?: number },
): Promise<RecordedAudio> {
  const single = files.filter(({ isConcatenation }) => !isConcatenation);
  const parts: Buffer[] = [];
  let format: RecordedAudio['format'] | null = null;
  let total = 0;
  for (const file of spread(single, first)) {
    const recording = await readRecording(file);
    format ??= recording.format;
    if (!isSame(format, recording.format)) continue;
    const frameBytes = bytesPerFrame(format);
    const pause = Buffer.alloc(Math.round((format.sampleRate * PAUSE_MS) / 1000) * frameBytes);
    parts.push(recording.bytes, pause);
    total += (recording.bytes.length + pause.length) / frameBytes / format.sampleRate;
    if (total >= seconds) break;
  }
  if (format === null) throw new Error('there is no recording that could be streamed');
  return { format, bytes: Buffer.concat(parts) };
}

/** All items once, neighbours in the list far from each other. */
function spread<T>(items: readonly T[], first: number): T[] {
  const step = stepFor(items.length);
  return items.flatMap((_, index) => items[(first + index * step) % items.length] ?? []);
}

/** Near the golden section of the length, and without a common divisor, so that steps of it meet every index. */
function stepFor(length: number): number {
  let step = Math.max(1, Math.round(length * 0.382));
  while (greatestCommonDivisor(step, length) > 1) step += 1;
  return step;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function isSame(a: RecordedAudio['format'], b: RecordedAudio['format']): boolean {
  return a.encoding === b.encoding && a.sampleRate === b.sampleRate && a.channels === b.channels;
}
