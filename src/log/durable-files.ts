import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Puts the folder's entries (names created, renamed, removed in it) on stable storage. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Makes the folder and its missing parents, so that they survive a power cut: a new folder is an entry of its parent, and
 * only syncing the parent keeps it.
 */
export async function makeDirectoryDurably(path: string): Promise<void> {
  const target = resolve(path);
  const firstCreated = await mkdir(target, { recursive: true });
  const topmost = dirname(firstCreated === undefined ? target : resolve(firstCreated));
  // The direct parent is synced even when the folder was there: an earlier call may have crashed before its sync.
  let parent = dirname(target);
  await syncDirectory(parent);
  while (parent !== topmost && parent !== dirname(parent)) {
    parent = dirname(parent);
    await syncDirectory(parent);
  }
}
