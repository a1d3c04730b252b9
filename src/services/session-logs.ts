import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SessionRecord } from '../database/session-store.ts';
import { AudioLog } from '../log/audio-log.ts';
import { makeDirectoryDurably, syncDirectory } from '../log/durable-files.ts';
import { Journal } from '../log/journal.ts';
import { LogIncompleteError } from '../log/storage-errors.ts';
import { parseJournalEntry, type JournalEntry } from './journal-entry.ts';
import { applyEntry, EMPTY_JOURNAL, type JournalState } from './journal-state.ts';

export interface SessionLogs {
  readonly audio: AudioLog;
  readonly journal: Journal<JournalEntry>;
  readonly state: JournalState;
}

/** A session can't go on: what its journal said is not all there any more. */
class SessionLogDamagedError extends Error {
  override readonly name = 'SessionLogDamagedError';
}

/** Where the logs of all sessions lie: `<data>/sessions/<id>/audio.log` and `journal.log`. */
export class SessionLogDirectory {
  readonly #directory: string;

  constructor(dataDirectory: string) {
    this.#directory = join(dataDirectory, 'sessions');
  }

  /**
   * Opens the logs of a session, and creates those that a crash at the session's start left out. A torn tail is cut.
   * @throws SessionLogDamagedError when what a log held durably is lost in a way that it can't go on from.
   * @throws when a log can't be read or written.
   */
  async open(record: SessionRecord): Promise<SessionLogs> {
    const folder = join(this.#directory, record.id);
    await makeDirectoryDurably(folder);
    const audio = await openAudioLog(join(folder, 'audio.log'), record);
    try {
      const opened = await openJournal(join(folder, 'journal.log'), record.journalPosition);
      const heardFrames = opened.state.resume?.readFromFrame ?? 0;
      if (audio.receivedFrames < heardFrames) {
        await opened.journal.close();
        throw new SessionLogDamagedError(
          `${audio.path} lost its end (it has ${audio.receivedFrames} frames, ${heardFrames} were heard): restore it from a backup`,
        );
      }
      return { audio, ...opened };
    } catch (error) {
      await audio.close();
      throw error;
    }
  }

  /**
   * Removes the logs of a session for good; does nothing when there are none. They must not be open.
   * @throws RangeError when the id names no folder of its own
   */
  async remove(sessionId: string): Promise<void> {
    const folder = join(this.#directory, sessionId);
    if (dirname(folder) !== this.#directory) throw new RangeError(`"${sessionId}" is no session's folder`);
    if (!existsSync(folder)) return;
    await rm(folder, { recursive: true });
    await syncDirectory(this.#directory);
  }
}

async function openAudioLog(path: string, record: SessionRecord): Promise<AudioLog> {
  const header = { sessionId: record.id, format: record.audioFormat, createdAt: record.createdAt };
  return openOrCreate(
    path,
    () => AudioLog.open(path, { headerIfDamaged: header }),
    () => AudioLog.create(path, header),
  );
}

async function openJournal(
  path: string,
  checkpoint: number,
): Promise<{ journal: Journal<JournalEntry>; state: JournalState }> {
  let state = EMPTY_JOURNAL;
  const journal = await openOrCreate(
    path,
    () =>
      Journal.open(path, parseJournalEntry, ({ entry }) => {
        state = applyEntry(state, entry);
      }),
    () => Journal.create(path, parseJournalEntry),
  );
  // Going on would put new entries below the checkpoint, where nobody reads them.
  if (journal.damage.length > 0 || checkpoint > journal.durableEnd) {
    await journal.close();
    throw new SessionLogDamagedError(
      `${path} lost entries (its end is ${journal.durableEnd}, the database's checkpoint ${checkpoint}): restore it from a backup`,
    );
  }
  return { journal, state };
}

/** A log whose creation a crash cut short holds nothing: it is created anew. */
async function openOrCreate<Log>(path: string, open: () => Promise<Log>, create: () => Promise<Log>): Promise<Log> {
  if (!existsSync(path)) return create();
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof LogIncompleteError)) throw error;
    await rm(path);
    return create();
  }
}
