import path from 'node:path';
import { createBackup } from '../backup/create-backup.ts';
import { mebibytes } from '../backup/durable-folders.ts';
import type { Manifest } from '../backup/manifest.ts';
import { restoreBackup } from '../backup/restore-backup.ts';
import { readConfig } from '../config.ts';
import { sqliteFile } from '../database/open-database.ts';
import type { CommandContext } from './context.ts';

/** All was copied, and something in it had been damaged before. */
const WITH_WARNINGS = 2;
/** What shells report of a program that was ended by Ctrl-C: 128 + SIGINT. */
const INTERRUPTED = 130;
const PROGRESS_INTERVAL_MS = 1_000;

/** Copies database and logs into a folder. @returns the exit code */
export async function backup(folder: string, version: string, context: CommandContext): Promise<number> {
  const target = path.resolve(folder);
  return interruptible(context, async (signal) => {
    const progress = throttled(context);
    const manifest = await createBackup({
      ...places(context),
      folder: target,
      version,
      signal,
      onProgress: ({ sessions, ofSessions, bytes }) =>
        progress(`${sessions} of ${ofSessions} sessions, ${mebibytes(bytes)}`),
    });
    return report(`Backed up to ${target}`, manifest, context);
  });
}

/** Puts a backup where a server finds it. @returns the exit code */
export async function restore(folder: string, context: CommandContext): Promise<number> {
  const where = places(context);
  return interruptible(context, async (signal) => {
    const progress = throttled(context);
    const manifest = await restoreBackup({
      ...where,
      folder: path.resolve(folder),
      signal,
      onProgress: (bytes, ofBytes) => progress(`${mebibytes(bytes)} of ${mebibytes(ofBytes)}`),
    });
    return report(`Restored to ${where.dataDirectory} as of ${manifest.createdAt}`, manifest, context);
  });
}

/** Where the server of this environment has its data; nobody listens here, so `HOST` needs no token. */
function places({ environment }: CommandContext) {
  const { dataDirectory, databaseUrl, storageReserveBytes } = readConfig({ ...environment, HOST: '127.0.0.1' });
  return { dataDirectory, databaseFile: sqliteFile(databaseUrl), reserveBytes: storageReserveBytes };
}

async function interruptible(context: CommandContext, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const interrupt = new AbortController();
  const ignoreInterrupts = context.onInterrupt(() => interrupt.abort());
  try {
    return await work(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted || error !== interrupt.signal.reason) throw error;
    context.stderr.write('interrupted: what was copied has been removed\n');
    return INTERRUPTED;
  } finally {
    ignoreInterrupts();
  }
}

function throttled({ stderr }: CommandContext): (line: string) => void {
  let shownAt = performance.now();
  return (line) => {
    if (performance.now() - shownAt < PROGRESS_INTERVAL_MS) return;
    shownAt = performance.now();
    stderr.write(`${line}\n`);
  };
}

function report(what: string, { sessions, files, warnings }: Manifest, { stdout, stderr }: CommandContext): number {
  for (const warning of warnings) stderr.write(`warning: ${warning}\n`);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  stdout.write(
    `${what}: ${counted(sessions.length, 'session')}, ${counted(files.length, 'file')}, ${mebibytes(bytes)}.\n`,
  );
  return warnings.length === 0 ? 0 : WITH_WARNINGS;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
