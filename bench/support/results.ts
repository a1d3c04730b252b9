import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Benchmark, Outcome } from '../benchmark.ts';

/** Under which a benchmark was run. */
export interface Conditions {
  /** ISO 8601. */
  readonly startedAt: string;
  /** Of the sources, with a remark when they had changes; `null` when that is not known. */
  readonly commit: string | null;
  readonly machine: string;
  readonly model: string;
  /** The server's entry, relative to the project. */
  readonly server: string;
  readonly load: { readonly before: string; readonly after: string };
  /** Median of small synced writes just before, in ms: the disk's pace, which may change for minutes after heavy writing. */
  readonly syncMs: number;
}

export type RecordedOutcome = Outcome | { readonly kind: 'failed'; readonly reason: string };

/** What a benchmark came to, with all that is needed to read it later. */
export interface Result extends Pick<Benchmark, 'name' | 'about' | 'bareLimit'> {
  readonly conditions: Conditions;
  readonly outcome: RecordedOutcome;
}

const figure = z.object({
  what: z.string(),
  unit: z.enum([
    'µs',
    'ms',
    'cpu ms per s',
    'seconds',
    'percent',
    'MiB',
    'count',
    'streams',
    'per second',
    'times',
    'dB',
  ]),
  ours: z.number().nullable(),
  bareLimit: z.number().nullish(),
  target: z
    .object({ of: z.enum(['ours', 'ratio']), atMost: z.number().optional(), atLeast: z.number().optional() })
    .optional(),
});

const results: z.ZodType<Result[]> = z.array(
  z.object({
    name: z.string(),
    about: z.string(),
    bareLimit: z.string().optional(),
    conditions: z.object({
      startedAt: z.iso.datetime(),
      commit: z.string().nullable(),
      machine: z.string(),
      model: z.string(),
      server: z.string(),
      load: z.object({ before: z.string(), after: z.string() }),
      syncMs: z.number(),
    }),
    outcome: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('measured'), figures: z.array(figure), notes: z.array(z.string()) }),
      z.object({ kind: z.literal('skipped'), reason: z.string() }),
      z.object({ kind: z.literal('failed'), reason: z.string() }),
    ]),
  }),
);

/** The results kept in a file; none when there is no such file. @throws when it has something else. */
export async function readResults(file: string): Promise<Result[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '[]';
    throw error;
  });
  return results.parse(JSON.parse(text));
}

export async function writeResults(file: string, kept: readonly Result[]): Promise<void> {
  await writeFile(file, `${JSON.stringify(kept, null, 2)}\n`);
}

/**
 * Those of a run in the place of the same benchmarks' earlier ones. One that failed or was skipped replaces nothing.
 * @param order names of all benchmarks, in which results are kept; others are dropped: nobody could measure them again
 */
export function mergeResults(
  earlier: readonly Result[],
  latest: readonly Result[],
  order: readonly string[],
): readonly Result[] {
  return order.flatMap((name) => {
    const before = earlier.find((result) => result.name === name);
    const now = latest.find((result) => result.name === name);
    const kept = now === undefined || (now.outcome.kind !== 'measured' && before !== undefined) ? before : now;
    return kept === undefined ? [] : [kept];
  });
}
