import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionRecord } from '../database/session-store.ts';
import { AudioLog } from '../log/audio-log.ts';
import { makeDirectoryDurably } from '../log/durable-files.ts';
import { Journal } from '../log/journal.ts';
import { parseJournalEntry, type JournalEntry } from './journal-entry.ts';
import { applyEntry, EMPTY_JOURNAL, type JournalState } from './journal-state.ts';

export interface SessionLogs {
  readonly audio: AudioLog;
  readonly journal: Journal<JournalEntry>;
  readonly state: JournalState;
}

/** Where the logs of all sessions lie: `<data>/sessions/<id>/audio.log` and `journal.log`. */
export class SessionLogDirectory {
  readonly #directory: string;

  constructor(dataDirectory: string) {
    this.#directory = join(dataDirectory, 'sessions');
  }

  /**
   * Opens the logs of a session, and creates those that a crash at the session's start left out. A torn tail is cut.
   * @throws when a log can't be read or written.
   */
  async open(record: SessionRecord): Promise<SessionLogs> {
    const folder = join(this.#directory, record.id);
    await makeDirectoryDurably(folder);
    const audioPath = join(folder, 'audio.log');
    const audio = existsSync(audioPath)
      ? await AudioLog.open(audioPath)
      : await AudioLog.create(audioPath, {
          sessionId: record.id,
          format: record.audioFormat,
          createdAt: record.createdAt,
        });
    try {
      return { audio, ...(await openJournal(join(folder, 'journal.log'))) };
    } catch (error) {
      await audio.close();
      throw error;
    }
  }
}

async function openJournal(path: string): Promise<{ journal: Journal<JournalEntry>; state: JournalState }> {
  if (!existsSync(path)) return { journal: await Journal.create(path, parseJournalEntry), state: EMPTY_JOURNAL };
  let state = EMPTY_JOURNAL;
  const journal = await Journal.open(path, parseJournalEntry, (entry) => {
    state = applyEntry(state, entry);
  });
  return { journal, state };
}
