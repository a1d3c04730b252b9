import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { PeakSummary } from './peak-summary.ts';

/**
 * What was measured of a recording that is over, kept beside its log. Little-endian: a marker, a CRC-32 of what follows; the
 * session's next sequence number; frames that were read; frames of a bucket, channels; then the peaks of each channel, one after
 * the other, 16 bits each.
 */
const MARKER = 0x31_46_57_56;
const CRC = 4;
const NEXT_SEQUENCE = 8;
const READ_FRAMES = 16;
const BUCKET_FRAMES = 24;
const CHANNELS = 28;
const PEAKS = 32;

/**
 * @param nextSequence of the session: it was measured before a session went on that has another one now
 * @returns `null` when what is there is damaged, or not of this recording as it is now
 * @throws when there is nothing
 */
export async function readKeptPeaks(logPath: string, nextSequence: number): Promise<PeakSummary | null> {
  const bytes = await readFile(fileBeside(logPath));
  if (bytes.length < PEAKS || bytes.readUInt32LE(0) !== MARKER) return null;
  if (crc32(bytes.subarray(NEXT_SEQUENCE)) !== bytes.readUInt32LE(CRC)) return null;
  if (bytes.readDoubleLE(NEXT_SEQUENCE) !== nextSequence) return null;
  const [bucketFrames, channels] = [bytes.readUInt32LE(BUCKET_FRAMES), bytes.readUInt32LE(CHANNELS)];
  const buckets = (bytes.length - PEAKS) / 2 / channels;
  const peaks = Array.from({ length: channels }, (_channel, channel) =>
    Uint16Array.from({ length: buckets }, (_peak, bucket) =>
      bytes.readUInt16LE(PEAKS + 2 * (channel * buckets + bucket)),
    ),
  );
  return PeakSummary.of(bucketFrames, bytes.readDoubleLE(READ_FRAMES), peaks);
}

/** Nobody waits for it to be on stable storage: what a crash makes of it is found out, and measured again. */
export async function keepPeaks(logPath: string, nextSequence: number, summary: PeakSummary): Promise<void> {
  const { peaks } = summary;
  const bytes = Buffer.alloc(PEAKS + 2 * peaks.reduce((sum, { length }) => sum + length, 0));
  bytes.writeUInt32LE(MARKER, 0);
  bytes.writeDoubleLE(nextSequence, NEXT_SEQUENCE);
  bytes.writeDoubleLE(summary.readFrames, READ_FRAMES);
  bytes.writeUInt32LE(summary.bucketFrames, BUCKET_FRAMES);
  bytes.writeUInt32LE(peaks.length, CHANNELS);
  let at = PEAKS;
  for (const peak of peaks.flatMap((of) => [...of])) at = bytes.writeUInt16LE(peak, at);
  bytes.writeUInt32LE(crc32(bytes.subarray(NEXT_SEQUENCE)), CRC);
  const path = fileBeside(logPath);
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
}

function fileBeside(logPath: string): string {
  return join(dirname(logPath), 'waveform.peaks');
}
