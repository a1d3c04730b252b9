import { readdirSync, readFileSync } from 'node:fs';

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** One letter, for example `Z` for a zombie. */
  readonly state: string;
}

/** All processes that the `/proc` of this machine shows. */
function processes(): ProcessEntry[] {
  return readdirSync('/proc').flatMap((name) => {
    const stat = /^\d+$/u.test(name) ? textOf(`/proc/${name}/stat`) : '';
    const [, state, parent] = /\) (\S) (\d+) /u.exec(stat) ?? [];
    return state === undefined ? [] : [{ pid: Number(name), parent: Number(parent), state }];
  });
}

/** Process ids of all below `root` whose command line matches. */
export function descendantsOf(root: number, command: RegExp): number[] {
  const all = processes();
  const found = [root];
  for (const ancestor of found) found.push(...all.filter(({ parent }) => parent === ancestor).map(({ pid }) => pid));
  return found.filter((pid) => pid !== root && command.test(textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')));
}

/** Whether the process runs, or waits as a zombie for its parent. */
export function exists(pid: number): boolean {
  return processes().some((entry) => entry.pid === pid);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It ended meanwhile.
    return '';
  }
}
