import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { arch, availableParallelism, cpus, loadavg, platform, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { percentile } from './percentile.ts';

const run = promisify(execFile);
const SYNCS = 20;
const SYNCED_BYTES = 4096;

/** What the figures depend on: processor, memory, system, Node. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const gibibytes = (totalmem() / 1024 ** 3).toFixed(1);
  return `${availableParallelism()} × ${model}, ${gibibytes} GiB, ${platform()} ${arch()}, Node ${process.versions.node}`;
}

/** Load averages of the last 1 and 5 minutes: what else the machine did. */
export function describeLoad(): string {
  const [lastMinute = 0, lastFiveMinutes = 0] = loadavg();
  return `${lastMinute.toFixed(2)} / ${lastFiveMinutes.toFixed(2)}`;
}

/**
 * The commit that the sources are of, and whether they were changed since.
 * @param exceptFor files whose changes don't matter, relative to the project
 * @returns `null` where there is no repository or no git.
 */
export async function describeCommit(projectRoot: string, exceptFor: readonly string[]): Promise<string | null> {
  try {
    const { stdout: commit } = await run('git', ['rev-parse', '--short=10', 'HEAD'], { cwd: projectRoot });
    const excluded = exceptFor.map((file) => `:(exclude)${file}`);
    const { stdout: changes } = await run('git', ['status', '--porcelain', '--', '.', ...excluded], {
      cwd: projectRoot,
    });
    return changes === '' ? commit.trim() : `${commit.trim()} with changes`;
  } catch {
    return null;
  }
}

/** What a small synced write takes, in ms: the median of some, where the benchmarks' servers have their data. */
export async function measureSync(): Promise<number> {
  const directory = await mkdtemp(path.join(tmpdir(), 'verbatim-sync-'));
  try {
    const file = await open(path.join(directory, 'probe'), 'w');
    try {
      const times: number[] = [];
      for (let turn = 0; turn < SYNCS; turn++) {
        await file.write(Buffer.alloc(SYNCED_BYTES, turn));
        const startedAt = performance.now();
        await file.datasync();
        times.push(performance.now() - startedAt);
      }
      return percentile(times, 0.5) ?? Number.NaN;
    } finally {
      await file.close();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}
