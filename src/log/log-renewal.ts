import { setTimeout as delay } from 'node:timers/promises';
import type { LogFile, LogFileSystem } from './log-file-system.ts';
import { LogReader } from './log-reader.ts';
import type { ByteRange } from './log-scan.ts';
import { decodeFileHeader, FILE_HEADER_BYTES } from './record-format.ts';
import { RecordScanner } from './record-scanner.ts';
import { copyBytes, keepAside, replaceFile, successorOf } from './replace-file.ts';

/** How an attempt to renew a poisoned log went. */
export type RenewalEvent =
  | {
      readonly kind: 'renewed';
      readonly path: string;
      /** As many it took. */
      readonly attempts: number;
      /** Durable bytes that could not be read or verified; the file that had them is kept beside as `….damaged-<n>`. */
      readonly newDamage: readonly ByteRange[];
    }
  | { readonly kind: 'failed'; readonly path: string; readonly attempts: number; readonly error: unknown };

export interface RenewalJob {
  readonly fileSystem: LogFileSystem;
  readonly path: string;
  /** The one that is not trusted with anything new. */
  readonly old: LogFile;
  readonly durableEnd: number;
  readonly knownDamage: readonly ByteRange[];
  /** Before each attempt, in ms; the last counts for all further ones. */
  readonly pausesMs: readonly number[];
  /** Attempts since the last write that went well: a file that is poisoned again and again is not copied without a pause. */
  readonly attemptsBefore: number;
  readonly onFailure: (attempts: number, error: unknown) => void;
  /** Gives up. */
  readonly signal: AbortSignal;
}

interface CopiedLog {
  readonly file: LogFile;
  readonly damage: readonly ByteRange[];
  readonly newDamage: readonly ByteRange[];
}

/** As often a copy that has more damage than was known is thrown away: maybe the next reading goes better. */
const DOUBTS = 3;
const WINDOW_BYTES = 256 * 1024;

/** More of a durable log is damaged than was known. */
class DoubtfulCopyError extends Error {
  override readonly name = 'DoubtfulCopyError';
}

/**
 * Puts a copy of the log's durable part, verified and on stable storage, in the place of its file; tries until that is
 * done. `null` when it was given up. Never rejects.
 */
export async function renewFile(job: RenewalJob): Promise<(CopiedLog & { readonly attempts: number }) | null> {
  const { pausesMs, signal } = job;
  let doubts = 0;
  for (let attempts = 1; ; attempts += 1) {
    await pause(pausesMs[Math.min(job.attemptsBefore + attempts, pausesMs.length) - 1] ?? 0, signal);
    if (signal.aborted) return null;
    try {
      return { ...(await copyLog(job, doubts >= DOUBTS)), attempts };
    } catch (error) {
      if (signal.aborted) return null;
      if (error instanceof DoubtfulCopyError) doubts += 1;
      job.onFailure(attempts, error);
    }
  }
}

async function copyLog(
  { fileSystem, path, old, durableEnd, knownDamage, signal }: RenewalJob,
  acceptsDamage: boolean,
): Promise<CopiedLog> {
  let damage: readonly ByteRange[] = [];
  let newDamage: readonly ByteRange[] = [];
  const file = await replaceFile(fileSystem, path, durableEnd, async (successor) => {
    const bytes = { from: old, to: successor, path: successorOf(path), start: 0, end: durableEnd };
    // What can't be read becomes zeros, so that all that is damaged is found, and told, in one way.
    await copyBytes({ ...bytes, signal, zerosForUnreadable: true });
    // The copy is verified, not the original: this is what the log goes on with.
    damage = await findDamage(successor, durableEnd);
    newDamage = damage.filter(
      ({ start, end }) => !knownDamage.some((known) => known.start <= start && end <= known.end),
    );
    if (newDamage.length === 0) return;
    if (!acceptsDamage) throw new DoubtfulCopyError(`${path} has ${newDamage.length} stretches that can't be verified`);
    await keepAside(fileSystem, path);
  });
  return { file, damage, newDamage };
}

async function findDamage(file: LogFile, durableEnd: number): Promise<ByteRange[]> {
  const damage: ByteRange[] = [];
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  await file.read(header, 0);
  if (decodeFileHeader(header) === null) damage.push({ start: 0, end: FILE_HEADER_BYTES });
  const records = { durableEnd, newScanner: () => new RecordScanner(file, WINDOW_BYTES) };
  const reader = new LogReader(records, FILE_HEADER_BYTES);
  for (let item = await reader.next(); item !== null; item = await reader.next()) {
    if (item.kind === 'damage') damage.push(item.range);
  }
  return damage;
}

/** Keeps no process alive. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds > 0) await delay(milliseconds, undefined, { ref: false, signal }).catch(() => undefined);
}
