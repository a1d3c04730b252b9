import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from './backup-error.ts';
import { BACKUP_PATH } from './layout.ts';

const MANIFEST_FILE = 'backup.json';
const FORMAT = 'verbatim-backup';
const FORMAT_VERSION = 1;

const size = z.int().min(0);

const manifest = z.object({
  /** When it was begun: what was acknowledged until then is in it. */
  createdAt: z.iso.datetime(),
  /** Of the program that made it. */
  verbatimVersion: z.string(),
  sessions: z.array(
    z.object({
      id: z.string(),
      /** The chunk that its client is to send next after restoring; `null` when no audio log could be read. */
      nextSequence: size.nullable(),
    }),
  ),
  files: z.array(
    z.object({ path: z.string().regex(BACKUP_PATH), bytes: size, sha256: z.string().regex(/^[0-9a-f]{64}$/u) }),
  ),
  /** What was found damaged in the source, a sentence each. */
  warnings: z.array(z.string()),
});

/** What a backup holds; written last, so a folder without it is none. */
export type Manifest = z.infer<typeof manifest>;

const stored = z.object({
  format: z.literal(FORMAT),
  formatVersion: z.int(),
  /** SHA-256 of the JSON of `content`, without white space. */
  sha256: z.string(),
  content: z.unknown(),
});

/** Writes it into the folder; its content is on stable storage afterwards, its name not yet. */
export async function writeManifest(folder: string, content: Manifest): Promise<void> {
  const document: z.infer<typeof stored> = {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    sha256: checksum(content),
    content,
  };
  const file = await open(path.join(folder, MANIFEST_FILE), 'wx');
  try {
    await file.writeFile(`${JSON.stringify(document, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** @throws BackupError when the folder holds no backup, one of an unknown format, or one whose manifest is damaged */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = path.join(folder, MANIFEST_FILE);
  const document = stored.safeParse(parseJson(await readText(file, folder)));
  if (!document.success) throw damaged(file);
  const { formatVersion, sha256, content } = document.data;
  if (formatVersion > FORMAT_VERSION) {
    throw new BackupError(
      `The backup has format version ${formatVersion}, which this version of the program does not know: restore it with the version that made it.`,
    );
  }
  const parsed = manifest.safeParse(content);
  if (!parsed.success || checksum(content) !== sha256) throw damaged(file);
  return parsed.data;
}

async function readText(file: string, folder: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code)))) throw error;
    throw new BackupError(`${folder} holds no backup: it has no ${MANIFEST_FILE}.`, { cause: error });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function checksum(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function damaged(file: string): BackupError {
  return new BackupError(`${file} is damaged: restore another backup.`);
}
