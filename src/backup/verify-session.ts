import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CopiedSession } from '../database/backup.ts';
import { AudioLog } from '../log/audio-log.ts';
import { Journal } from '../log/journal.ts';
import { readOnlyFileSystem } from '../log/read-only-file-system.ts';
import { LogDamagedError, LogFormatError, LogIncompleteError } from '../log/storage-errors.ts';
import { parseJournalEntry, type JournalEntry } from '../services/journal-entry.ts';

export interface VerifiedSession {
  /** `null` when its audio can't be read, or is not there. */
  readonly nextSequence: number | null;
  /** What a server could not go on from, or would show as failed; empty when all is well. */
  readonly problems: readonly string[];
}

/**
 * Reads the copied logs of a session as a server would at its start, without changing them.
 * @param folder of the two logs
 */
export async function verifySession(folder: string, session: CopiedSession): Promise<VerifiedSession> {
  const problems: string[] = [];
  const heardFrames = await verifyJournal(path.join(folder, 'journal.log'), session, problems);
  const nextSequence = await verifyAudio(path.join(folder, 'audio.log'), session, heardFrames, problems);
  return { nextSequence, problems };
}

/** @returns the source frame up to which audio must be there */
async function verifyJournal(file: string, session: CopiedSession, problems: string[]): Promise<number> {
  if (!existsSync(file)) {
    // A session that has just begun has none yet, and one that is over may have been relieved of it.
    if (!session.isOver && session.journalPosition > 0) problems.push('its journal is missing');
    return 0;
  }
  let heardFrames = 0;
  const visit = ({ entry }: { readonly entry: JournalEntry }) => {
    if ('resume' in entry) heardFrames = entry.resume.readFromFrame;
  };
  const journal = await openOr(problems, 'its journal', () =>
    Journal.open(file, parseJournalEntry, visit, { fileSystem: readOnlyFileSystem }),
  );
  const end = journal?.durableEnd ?? 0;
  if (journal !== null && journal.damage.length > 0) {
    problems.push(`its journal is damaged from byte ${journal.damage[0]?.start} on`);
  }
  if (session.journalPosition > end) {
    problems.push(`its journal ends at byte ${end}, before the database's checkpoint ${session.journalPosition}`);
  }
  await journal?.close();
  return heardFrames;
}

async function verifyAudio(
  file: string,
  session: CopiedSession,
  heardFrames: number,
  problems: string[],
): Promise<number | null> {
  if (!existsSync(file)) {
    if (!session.isOver && heardFrames > 0) problems.push('its audio log is missing');
    return null;
  }
  const log = await openOr(problems, 'its audio log', () => AudioLog.open(file, { fileSystem: readOnlyFileSystem }));
  if (log === null) return null;
  await log.close();
  if (log.damagedRanges.length > 0) {
    problems.push(`its audio log is damaged: ${log.damagedFrames} frames can't be read`);
  }
  if (log.receivedFrames < heardFrames) {
    problems.push(`its audio log lost its end: it has ${log.receivedFrames} frames, ${heardFrames} were heard`);
  }
  return log.nextSequence;
}

/** `null` when it can't be opened; why, unless it merely was about to be created, is added to the problems. */
async function openOr<Log>(problems: string[], what: string, open: () => Promise<Log>): Promise<Log | null> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof LogIncompleteError) return null;
    if (!(error instanceof LogFormatError || error instanceof LogDamagedError)) throw error;
    problems.push(`${what} can't be read (${error.name})`);
    return null;
  }
}
