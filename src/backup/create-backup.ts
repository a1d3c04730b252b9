import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { copyDatabase, type CopiedSession } from '../database/backup.ts';
import { makeDirectoryDurably, syncDirectory } from '../log/durable-files.ts';
import { BackupError } from './backup-error.ts';
import { copyFile, syncAndHash } from './copy-file.ts';
import { ensureSpace, fillFolder, isAbsentOrEmpty, sizeIfPresent } from './durable-folders.ts';
import { DATABASE_FILE, LOG_FILES, logPath, SESSIONS_FOLDER } from './layout.ts';
import { writeManifest, type Manifest } from './manifest.ts';
import { verifySession, type VerifiedSession } from './verify-session.ts';

export interface BackupRequest {
  /** Absolute, as all paths here. */
  readonly dataDirectory: string;
  readonly databaseFile: string;
  /** Absent, or an empty folder. */
  readonly folder: string;
  /** Of the program. */
  readonly version: string;
  /** Bytes that stay free on the disk of the backup, which may be the one of the server. */
  readonly reserveBytes: number;
  readonly signal: AbortSignal;
  /** After each session. */
  readonly onProgress: (progress: BackupProgress) => void;
}

interface BackupProgress {
  readonly sessions: number;
  readonly ofSessions: number;
  /** Copied so far. */
  readonly bytes: number;
}

/** A copy that is damaged is made once more: while it was read, a log may have cut a failed write and gone on. */
const ATTEMPTS = 2;

/**
 * Copies database and logs into a folder that appears when it is whole. A server may run on them meanwhile.
 *
 * The database follows the journals, and these follow the audio logs. So the database is copied first, and of each session
 * the journal before the audio: each part has at least what the ones before it rest on, and what it has beyond that is what
 * a server that starts on the copy catches up with. Sessions that were started later are left out.
 *
 * @throws BackupError when there is nothing to back up or nowhere to put it
 * @throws DatabaseNotCopiedError
 */
export async function createBackup(request: BackupRequest): Promise<Manifest> {
  const { folder, databaseFile, signal } = request;
  await checkFolder(request);
  const createdAt = new Date().toISOString();
  return fillFolder(folder, async (unfinished) => {
    await ensureSpace(
      unfinished,
      (await sizeIfPresent(databaseFile)) + (await sizeIfPresent(`${databaseFile}-wal`)),
      request.reserveBytes,
    );
    const copy = path.join(unfinished, DATABASE_FILE);
    const sessions = await copyDatabase(databaseFile, copy, signal);
    const database = { path: DATABASE_FILE, ...(await syncAndHash(copy, signal)) };
    const manifest: Manifest = {
      createdAt,
      verbatimVersion: request.version,
      ...(await copySessions(sessions, unfinished, database, request)),
    };
    await writeManifest(unfinished, manifest);
    return manifest;
  });
}

async function checkFolder({ folder, dataDirectory }: BackupRequest): Promise<void> {
  const inside = path.relative(dataDirectory, folder);
  if (!inside.startsWith('..') && !path.isAbsolute(inside)) {
    throw new BackupError(
      `${folder} is a part of what is to be backed up: choose a folder outside of ${dataDirectory}.`,
    );
  }
  if (!(await isAbsentOrEmpty(folder))) {
    throw new BackupError(`${folder} is not empty: choose a folder of its own for each backup.`);
  }
  const parent = path.dirname(folder);
  await makeDirectoryDurably(parent);
  const isThere = (await readdir(parent)).includes(path.basename(folder));
  if (isThere && (await stat(folder)).dev !== (await stat(parent)).dev) {
    throw new BackupError(`${folder} is where a disk is mounted: choose a folder in it.`);
  }
}

async function copySessions(
  sessions: readonly CopiedSession[],
  unfinished: string,
  database: Manifest['files'][number],
  { dataDirectory, reserveBytes, signal, onProgress }: BackupRequest,
): Promise<Pick<Manifest, 'sessions' | 'files' | 'warnings'>> {
  const files = [database];
  const warnings: string[] = [];
  const verified: Manifest['sessions'] = [];
  let bytes = database.bytes;
  await ensureSpace(unfinished, await logBytes(sessions, dataDirectory), reserveBytes);
  await mkdir(path.join(unfinished, SESSIONS_FOLDER));
  for (const session of sessions) {
    const copied = await copySession(session, dataDirectory, unfinished, signal);
    files.push(...copied.files);
    verified.push({ id: session.id, nextSequence: copied.nextSequence });
    for (const problem of copied.problems) warnings.push(`Session ${session.id}: ${problem}.`);
    bytes += copied.files.reduce((sum, file) => sum + file.bytes, 0);
    onProgress({ sessions: verified.length, ofSessions: sessions.length, bytes });
  }
  await syncDirectory(path.join(unfinished, SESSIONS_FOLDER));
  return { sessions: verified, files, warnings };
}

async function logBytes(sessions: readonly CopiedSession[], dataDirectory: string): Promise<number> {
  let bytes = 0;
  for (const { id } of sessions) {
    for (const log of LOG_FILES) bytes += await sizeIfPresent(path.join(dataDirectory, logPath(id, log)));
  }
  return bytes;
}

async function copySession(
  session: CopiedSession,
  dataDirectory: string,
  unfinished: string,
  signal: AbortSignal,
): Promise<VerifiedSession & { files: Manifest['files'] }> {
  const folder = path.join(unfinished, SESSIONS_FOLDER, session.id);
  await mkdir(folder);
  for (let attempt = 1; ; attempt += 1) {
    const files: Manifest['files'] = [];
    for (const log of LOG_FILES) {
      const file = logPath(session.id, log);
      const target = path.join(unfinished, file);
      const copied = await copyFile(path.join(dataDirectory, file), target, signal);
      if (copied !== null) files.push({ path: file, ...copied });
      // It may have been there at the first attempt.
      else await rm(target, { force: true });
    }
    await syncDirectory(folder);
    const verified = await verifySession(folder, session);
    if (verified.problems.length === 0 || attempt === ATTEMPTS) return { ...verified, files };
  }
}
