import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { lockDataDirectory } from '../database/data-directory-lock.ts';
import { makeDirectoryDurably, syncDirectory } from '../log/durable-files.ts';
import { BackupError } from './backup-error.ts';
import { copyFile } from './copy-file.ts';
import { ensureSpace, fillFolder, isAbsentOrEmpty, renameDurably, unfinishedPrefix } from './durable-folders.ts';
import { DATABASE_FILE, SESSIONS_FOLDER } from './layout.ts';
import { readManifest, type Manifest } from './manifest.ts';

export interface RestoreRequest {
  /** Of the backup; absolute, as all paths here. */
  readonly folder: string;
  /** Without sessions; created when absent. */
  readonly dataDirectory: string;
  /** Nothing is there yet. */
  readonly databaseFile: string;
  /** Bytes that stay free on the disk. */
  readonly reserveBytes: number;
  readonly signal: AbortSignal;
  /** After each file, with the bytes that were copied so far. */
  readonly onProgress: (bytes: number, ofBytes: number) => void;
}

/**
 * Puts a backup where a server finds it. Everything is copied and compared with its checksum under other names first; the
 * database gets its name last, so that a server that is started after a crash in here finds all or an empty database.
 *
 * @returns what was restored
 * @throws BackupError when the backup is damaged or the data directory is in use; nothing has changed then
 * @throws DataDirectoryInUseError
 */
export async function restoreBackup(request: RestoreRequest): Promise<Manifest> {
  const { folder, dataDirectory, databaseFile } = request;
  const manifest = await readManifest(folder);
  await makeDirectoryDurably(dataDirectory);
  await makeDirectoryDurably(path.dirname(databaseFile));
  const lock = lockDataDirectory(dataDirectory);
  const newDatabase = `${databaseFile}.unfinished`;
  try {
    await checkUnused(request);
    await removeLeftovers(dataDirectory);
    const { length, copy } = copier(manifest, request);
    await ensureSpace(dataDirectory, length, request.reserveBytes);
    await copy(DATABASE_FILE, newDatabase);
    await fillFolder(path.join(dataDirectory, SESSIONS_FOLDER), async (unfinished) => {
      for (const [session, files] of logsBySession(manifest)) {
        const target = path.join(unfinished, session);
        await mkdir(target);
        for (const file of files) await copy(file, path.join(target, path.posix.basename(file)));
        await syncDirectory(target);
      }
    });
    await renameDurably(newDatabase, databaseFile);
    return manifest;
  } finally {
    await rm(newDatabase, { force: true });
    lock.release();
  }
}

async function checkUnused({ dataDirectory, databaseFile }: RestoreRequest): Promise<void> {
  const sessions = path.join(dataDirectory, SESSIONS_FOLDER);
  // A log without its database counts, too: SQLite would take it for one of the new database.
  const inTheWay = ['', '-wal', '-shm', '-journal'].map((suffix) => databaseFile + suffix).filter(existsSync);
  if (!(await isAbsentOrEmpty(sessions))) inTheWay.push(sessions);
  if (inTheWay.length === 0) return;
  throw new BackupError(
    `There is data already: ${inTheWay.join(', ')}. Nothing is overwritten: move it away, or set DATA_DIR to an empty folder.`,
  );
}

/** Of a restoring that was killed; whoever holds the lock is the only one. */
async function removeLeftovers(dataDirectory: string): Promise<void> {
  for (const entry of await readdir(dataDirectory)) {
    if (!entry.startsWith(unfinishedPrefix(SESSIONS_FOLDER))) continue;
    await rm(path.join(dataDirectory, entry), { recursive: true });
  }
}

function copier(
  { files }: Manifest,
  { folder, signal, onProgress }: RestoreRequest,
): { length: number; copy: (file: string, target: string) => Promise<void> } {
  const expected = new Map(files.map((file) => [file.path, file]));
  const length = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const copy = async (file: string, target: string) => {
    const source = path.join(folder, file);
    const copied = await copyFile(source, target, signal);
    if (copied === null) throw new BackupError(`${source} is missing: restore another backup.`);
    if (copied.sha256 !== expected.get(file)?.sha256) {
      throw new BackupError(`${source} is damaged: it is not what was backed up. Restore another backup.`);
    }
    done += copied.bytes;
    onProgress(done, length);
  };
  return { length, copy };
}

function logsBySession({ files }: Manifest): Map<string, string[]> {
  const bySession = new Map<string, string[]>();
  for (const { path: file } of files) {
    const [top, session] = file.split('/');
    if (top !== SESSIONS_FOLDER || session === undefined) continue;
    bySession.set(session, [...(bySession.get(session) ?? []), file]);
  }
  return bySession;
}
