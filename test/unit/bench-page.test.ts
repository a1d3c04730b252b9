import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeCommit, measureSync } from '../../bench/support/conditions.ts';
import { formatPage } from '../../bench/support/page.ts';
import { mergeResults, readResults, writeResults, type Result } from '../../bench/support/results.ts';

const conditions = {
  startedAt: '2026-03-01T10:20:30.000Z',
  commit: '0123456789',
  machine: '2 × processor',
  model: 'base',
  server: 'src/main.ts',
  load: { before: '0.10 / 0.20', after: '1.00 / 0.50' },
  syncMs: 0.21,
};

function measured(name: string, ours: number, overrides: Partial<typeof conditions> = {}): Result {
  return {
    name,
    about: 'how soon an answer comes',
    bareLimit: 'an echo',
    conditions: { ...conditions, ...overrides },
    outcome: {
      kind: 'measured',
      figures: [
        { what: 'answer | p50', unit: 'ms', ours, bareLimit: 2, target: { of: 'ratio', atMost: 2 } },
        { what: 'answers', unit: 'count', ours: 7 },
      ],
      notes: ['logged: <script> `x`'],
    },
  };
}

const failed: Result = {
  name: 'slow',
  about: 'it',
  conditions,
  outcome: { kind: 'failed', reason: 'the disk is full' },
};
const skipped: Result = { name: 'slow', about: 'it', conditions, outcome: { kind: 'skipped', reason: 'no speech' } };

describe('the page of figures', () => {
  it('says of each benchmark what it measures, with what it is compared, when, where and of which commit', () => {
    expect(formatPage([measured('fast', 3)])).toContain(
      [
        'Machine: 2 × processor.',
        '**1 of 1 wanted figures are met.**',
        '## fast',
        'How soon an answer comes.',
        'Bare limit: an echo.',
        [
          '|  | ours | bare limit | ratio | wanted | met |',
          '|---|---:|---:|---:|---:|---:|',
          String.raw`| answer \| p50 | 3.00 ms | 2.00 ms | 1.50 × | ≤ 2 × | yes |`,
          '| answers | 7 |  |  |  |  |',
        ].join('\n'),
        String.raw`- logged: \<script> \`x\``,
        '*2026-03-01 10:20 UTC; commit 0123456789; model base; server src/main.ts; load of 1 / 5 minutes 0.10 / 0.20 before, 1.00 / 0.50 after; a synced write took 0.21 ms before*',
      ].join('\n\n'),
    );
  });

  it('names at its top what is missed, what failed and what was skipped', () => {
    const page = formatPage([measured('fast', 5), failed]);
    expect(page).toContain('**0 of 1 wanted figures are met.**');
    expect(page).toContain(String.raw`| [fast](#fast): answer \| p50 | 5.00 ms | 2.00 ms | 2.50 × | ≤ 2 × | NO |`);
    expect(page).toContain('Without figures: [slow](#slow).');
    expect(page).toContain('**Failed**: the disk is full');
    expect(formatPage([skipped])).toContain('Skipped: no speech.');
  });

  it('names the machine of each section where they differ', () => {
    const page = formatPage([measured('fast', 3), measured('faster', 2, { machine: '8 × other' })]);
    expect(page).not.toContain('Machine:');
    expect(page).toMatch(/## faster[^]*8 × other/u);
  });
});

describe('the kept results', () => {
  it('are read as they were written; none where there is no file; and nothing else is taken for them', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'bench-results-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = path.join(directory, 'results.json');
    expect(await readResults(file)).toEqual([]);
    const results = [measured('fast', 3), failed, skipped];
    await writeResults(file, results);
    expect(await readResults(file)).toEqual(results);
    await writeFile(file, '[{ "name": "fast" }]');
    await expect(readResults(file)).rejects.toThrow('about');
  });

  it('are replaced by later ones of the same benchmarks, but not by a failure or for want of speech', () => {
    const earlier = [measured('gone', 1), measured('fast', 5), measured('slow', 1)];
    expect(mergeResults(earlier, [failed, measured('fast', 3)], ['fast', 'new', 'slow'])).toEqual([
      measured('fast', 3),
      measured('slow', 1),
    ]);
    expect(mergeResults(earlier, [skipped], ['slow', 'fast'])).toEqual([measured('slow', 1), measured('fast', 5)]);
    expect(mergeResults([], [failed], ['slow'])).toEqual([failed]);
  });
});

describe('the conditions of a measurement', () => {
  it('have no commit where there is no repository, and the pace of the disk', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'bench-conditions-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    expect(await describeCommit(directory, [])).toBeNull();
    expect(await measureSync()).toBeGreaterThan(0);
  });
});
