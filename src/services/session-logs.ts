import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SessionRecord } from '../database/session-records.ts';
import { AudioLog } from '../log/audio-log.ts';
import { makeDirectoryDurably, syncDirectory } from '../log/durable-files.ts';
import type { FramedLogOptions } from '../log/framed-log.ts';
import { Journal } from '../log/journal.ts';
import { nodeFileSystem, type LogFileSystem } from '../log/log-file-system.ts';
import type { RenewalEvent } from '../log/log-renewal.ts';
import { firstKeptAside } from '../log/replace-file.ts';
import { LogIncompleteError } from '../log/storage-errors.ts';
import { parseJournalEntry, type AudioEvidence, type JournalEntry } from './journal-entry.ts';
import { applyEntry, emptyJournal, type JournalState } from './journal-state.ts';
import type { Logger } from './logger.ts';

export interface SessionLogs {
  readonly audio: AudioLog;
  readonly journal: Journal<JournalEntry>;
  readonly state: JournalState;
  /**
   * The database's checkpoint is beyond this position (bytes), where the journal now ends: entries were damaged and are derived
   * from the audio again. `null` when the journal has everything that the database followed.
   */
  readonly rewindTo: number | null;
  /** The journal lost entries that may have been shown, now or earlier: until they are derived again, it ends before them. */
  readonly journalWasCut: boolean;
}

/** Where the logs of all sessions lie: `<data>/sessions/<id>/audio.log` and `journal.log`. */
export class SessionLogDirectory {
  readonly #directory: string;
  readonly #logger: Logger;
  readonly #fileSystem: LogFileSystem;

  constructor(dataDirectory: string, logger: Logger, fileSystem: LogFileSystem = nodeFileSystem) {
    this.#directory = join(dataDirectory, 'sessions');
    this.#logger = logger;
    this.#fileSystem = fileSystem;
  }

  /**
   * Opens the logs of a session, and creates those that a crash at the session's start left out. A torn tail is cut. What was
   * durable once and is damaged is mended as far as it can be: lost audio stays a part of the timeline, and lost journal
   * entries are to be derived again.
   * @throws when a log can't be read or written.
   */
  async open(record: SessionRecord): Promise<SessionLogs> {
    const folder = join(this.#directory, record.id);
    await makeDirectoryDurably(folder);
    const { journal, state, wasCut } = await this.#openJournal(join(folder, 'journal.log'), record);
    try {
      const audio = await this.#openAudioLog(join(folder, 'audio.log'), record);
      try {
        await this.#restoreLostAudio(audio, record, state);
      } catch (error) {
        await audio.close();
        throw error;
      }
      const rewindTo = record.journalPosition > journal.durableEnd ? journal.durableEnd : null;
      if (rewindTo !== null) {
        const { journalPosition: checkpoint } = record;
        this.#logger.error({ sessionId: record.id, rewindTo, checkpoint }, 'journal lost entries: deriving them again');
      }
      // A crash may have come since: then the database tells, or the damaged file that was kept.
      const databaseSawMore = rewindTo !== null || record.statistics.totalSegments > state.lastSequence;
      const journalWasCut = wasCut || databaseSawMore || existsSync(firstKeptAside(journal.path));
      return { audio, journal, state, rewindTo, journalWasCut };
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  /** Whether both logs of a session are there, in whatever state. */
  has(sessionId: string): boolean {
    const folder = join(this.#directory, sessionId);
    return existsSync(join(folder, 'journal.log')) && existsSync(join(folder, 'audio.log'));
  }

  /** Where the session's audio log is, or would be. */
  audioPath(sessionId: string): string {
    return join(this.#directory, sessionId, 'audio.log');
  }

  /**
   * Removes the logs of a session for good; does nothing when there are none. They must not be open.
   * @throws RangeError when the id names no folder of its own
   */
  async remove(sessionId: string): Promise<void> {
    const folder = join(this.#directory, sessionId);
    if (dirname(folder) !== this.#directory) throw new RangeError(`"${sessionId}" is no session's folder`);
    if (!existsSync(folder)) return;
    // Somebody else may be removing it, too.
    await rm(folder, { recursive: true, force: true });
    await syncDirectory(this.#directory);
  }

  #optionsFor(sessionId: string): FramedLogOptions {
    const onRenewal = (event: RenewalEvent): void => {
      const { path, attempts } = event;
      if (event.kind === 'failed') {
        this.#logger.warn({ sessionId, path, attempts, err: event.error }, 'log not renewed yet');
      } else {
        const damaged = event.newDamage.reduce((sum, { start, end }) => sum + end - start, 0);
        this.#logger[damaged > 0 ? 'error' : 'info']({ sessionId, path, attempts, damaged }, 'log renewed');
      }
    };
    return { fileSystem: this.#fileSystem, onRenewal };
  }

  async #openAudioLog(path: string, record: SessionRecord): Promise<AudioLog> {
    const header = { sessionId: record.id, format: record.audioFormat, createdAt: record.createdAt };
    const options = this.#optionsFor(record.id);
    const audio = await openOrCreate(
      path,
      () => AudioLog.open(path, { ...options, headerIfDamaged: header }),
      () => AudioLog.create(path, header, options),
    );
    if (audio.damagedFrames > 0) {
      this.#logger.error({ sessionId: record.id, frames: audio.damagedFrames }, 'audio log is damaged');
    }
    return audio;
  }

  async #openJournal(
    path: string,
    { id: sessionId, audioFormat }: SessionRecord,
  ): Promise<{ journal: Journal<JournalEntry>; state: JournalState; wasCut: boolean }> {
    let state = emptyJournal(audioFormat.channels);
    const visit = ({ entry }: { readonly entry: JournalEntry }): void => {
      state = applyEntry(state, entry);
    };
    const options = this.#optionsFor(sessionId);
    const { journal, droppedFrom } = await openOrCreate(
      path,
      () => Journal.openRepaired(path, parseJournalEntry, visit, options),
      async () => ({ journal: await Journal.create(path, parseJournalEntry, options), droppedFrom: null }),
    );
    if (droppedFrom !== null) this.#logger.error({ sessionId, droppedFrom }, 'journal is damaged: kept what is before');
    return { journal, state, wasCut: droppedFrom !== null };
  }

  /**
   * The journal and the database prove how much audio there once was. Should the log have less, what is missing keeps its place
   * on the timeline and its sequence numbers: it is failed audio, and no client is asked for it again.
   */
  async #restoreLostAudio(audio: AudioLog, record: SessionRecord, state: JournalState): Promise<void> {
    const proven = provenAudio(record, state);
    const nextSequence = Math.max(audio.nextSequence, proven.nextSequence);
    const receivedFrames = Math.max(audio.receivedFrames, proven.receivedFrames);
    if (nextSequence > audio.nextSequence || receivedFrames > audio.receivedFrames) {
      const frames = receivedFrames - audio.receivedFrames;
      const chunks = nextSequence - audio.nextSequence;
      this.#logger.error({ sessionId: record.id, frames, chunks }, 'audio log lost its end');
      await audio.appendLost({ nextSequence, receivedFrames });
    }
    const { ended, resume } = state;
    const isWhole = resume?.readFromFrame === audio.receivedFrames;
    if (ended !== null && isWhole && audio.end === null) await audio.appendEnd(ended.reason, ended.at);
  }
}

function provenAudio({ nextSequence, coverage, audioFormat }: SessionRecord, state: JournalState): AudioEvidence {
  // Milliseconds are rounded down, so that the log had this many frames at least.
  const recordedFrames = Math.ceil((coverage.receivedMs * audioFormat.sampleRate) / 1000);
  return {
    nextSequence: Math.max(nextSequence, state.audio?.nextSequence ?? 0),
    receivedFrames: Math.max(recordedFrames, state.audio?.receivedFrames ?? 0, state.resume?.readFromFrame ?? 0),
  };
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
