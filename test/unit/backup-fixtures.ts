import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createBackup, type BackupRequest } from '../../src/backup/create-backup.ts';
import type { Manifest } from '../../src/backup/manifest.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { AudioLog } from '../../src/log/audio-log.ts';
import { Journal } from '../../src/log/journal.ts';
import { parseJournalEntry, type JournalEntry } from '../../src/services/journal-entry.ts';
import { batch, newSession } from './database-fixtures.ts';

interface StoredSessionOptions {
  /** @default 10 */
  readonly chunks?: number;
  /** Of each chunk; divisible by 4. @default 3_200 */
  readonly chunkBytes?: number;
  /** Of the journal; the last says that all audio was heard. @default 2 */
  readonly entries?: number;
  /** Whether the database follows the journal to its end. @default true */
  readonly committed?: boolean;
}

/** A data directory as servers leave it. */
export class DataFolder {
  readonly path: string;

  constructor(folder: string) {
    this.path = folder;
  }

  get databaseFile(): string {
    return path.join(this.path, 'verbatim.db');
  }

  log(id: string, name: 'audio' | 'journal'): string {
    return path.join(this.path, 'sessions', id, `${name}.log`);
  }

  /** A session with chunks of audio, all of which were heard as silence. */
  async addSession(
    id: string,
    { chunks = 10, chunkBytes = 3_200, entries = 2, committed = true }: StoredSessionOptions = {},
  ): Promise<void> {
    await mkdir(path.join(this.path, 'sessions', id), { recursive: true });
    const session = newSession(id);
    const audio = await AudioLog.create(this.log(id, 'audio'), {
      sessionId: id,
      format: session.audioFormat,
      createdAt: session.createdAt,
    });
    for (let sequence = 0; sequence < chunks; sequence += 1)
      await audio.appendChunk(sequence, chunk(sequence, chunkBytes));
    await audio.close();
    const journal = await Journal.create<JournalEntry>(this.log(id, 'journal'), parseJournalEntry);
    const frames = (chunks * chunkBytes) / 2;
    for (let entry = 1; entry <= entries; entry += 1) {
      const decidedSample = (frames * entry) / entries;
      await journal.append({
        type: 'silence',
        speechSamples: 0,
        channel: 0,
        decidedSample,
        resume: { readFromFrame: decidedSample, state: null },
      });
    }
    await journal.close();
    await this.#addRow(id, committed ? journal.durableEnd : null);
  }

  /** The row of a session whose logs were not made yet. */
  addRow(id: string): Promise<void> {
    return this.#addRow(id, null);
  }

  async backup(folder: string, changes: Partial<BackupRequest> = {}): Promise<Manifest> {
    return createBackup({
      dataDirectory: this.path,
      databaseFile: this.databaseFile,
      folder,
      version: '1.2.3',
      reserveBytes: 0,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      ...changes,
    });
  }

  async #addRow(id: string, journalEnd: number | null): Promise<void> {
    const database = await openDatabase({ url: `file:${this.databaseFile}` });
    await database.store.createSession(newSession(id));
    if (journalEnd !== null) await database.store.commitBatch(batch(id, 0, journalEnd));
    await database.close();
  }
}

function chunk(sequence: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let offset = 0; offset < length; offset += 4) bytes.writeUInt32LE(sequence, offset);
  return bytes;
}

/** Changes one bit of a file. */
export async function flip(file: string, position: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
  await writeFile(file, bytes);
}
