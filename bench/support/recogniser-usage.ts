import { readdir, readFile } from 'node:fs/promises';

export interface RecogniserUsage {
  /** CPU time since their start, in milliseconds. */
  readonly cpuMs: number;
  /** Of each process. */
  readonly residentBytes: readonly number[];
}

/** Linux counts a process's time in these for every reader of /proc (USER_HZ), whatever its own clock does. */
const TICKS_PER_SECOND = 100;

/** Tells a recogniser process from other children, such as a transpiler's. */
const RECOGNISER_ENTRY = /recogniser-process\.[jt]s/u;

/**
 * What the recogniser processes, the children of a server, have used.
 * @returns `null` on systems without Linux' /proc.
 */
export async function recogniserUsage(serverPid: number): Promise<RecogniserUsage | null> {
  const entries = await readdir('/proc').catch(() => null);
  if (entries === null) return null;
  const statuses = await Promise.all(entries.filter((name) => /^\d+$/u.test(name)).map(readProcess));
  const children = statuses
    .filter((status) => status !== null)
    .filter(({ parent, command }) => parent === serverPid && RECOGNISER_ENTRY.test(command));
  return {
    cpuMs: children.reduce((sum, child) => sum + child.cpuMs, 0),
    residentBytes: children.map((child) => child.residentBytes),
  };
}

interface ProcessStatus {
  readonly parent: number;
  readonly command: string;
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** As in proc_pid_stat(5), proc_pid_status(5) and proc_pid_cmdline(5); `null` when it has ended meanwhile. */
async function readProcess(pid: string): Promise<ProcessStatus | null> {
  const [stat, status, command] = await Promise.all(
    ['stat', 'status', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => null)),
  );
  if (!stat || !status || !command) return null;
  // The name, in parentheses, may have spaces in it; what follows begins with the third field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[14 - 3]) + Number(fields[15 - 3]);
  const residentKib = Number(/^VmRSS:\s*(\d+) kB$/mu.exec(status)?.[1] ?? 0);
  return {
    parent: Number(fields[4 - 3]),
    command,
    cpuMs: (ticks * 1000) / TICKS_PER_SECOND,
    residentBytes: residentKib * 1024,
  };
}
