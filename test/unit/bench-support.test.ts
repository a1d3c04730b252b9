import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from '../../bench/options.ts';
import { forEachOf } from '../../bench/support/for-each-of.ts';
import { percentile } from '../../bench/support/percentile.ts';
import { formatReport } from '../../bench/support/report.ts';
import { parseManifest, SpeechError } from '../../bench/support/speech.ts';

describe('a percentile', () => {
  it('is a value that was measured, which that share of all does not exceed, and no smaller one', () => {
    const values = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (measured, share) => {
        const found = percentile(measured, share) ?? Number.NaN;
        const shareUpTo = (limit: number) => measured.filter((value) => value <= limit).length / measured.length;
        expect(measured).toContain(found);
        expect(shareUpTo(found)).toBeGreaterThanOrEqual(share);
        const smaller = measured.filter((value) => value < found);
        expect(smaller.every((value) => shareUpTo(value) < share)).toBe(true);
      }),
    );
  });

  it('of nothing is not known', () => {
    expect(percentile([], 0.5)).toBeNull();
  });
});

describe('the manifest of a folder of speech', () => {
  const head = 'file\tseconds\treference\tsource\tlicence';

  it('names recordings with their length and words, and marks those that repeat others', () => {
    const text = `${head}\na.wav\t1.50\tgood morning\thome\tCC0\r\nlong-a.wav\t9\tgood morning good night\thome\tCC0\n`;
    expect(parseManifest(text, '/speech')).toEqual([
      { file: 'a.wav', path: '/speech/a.wav', seconds: 1.5, reference: 'good morning', isConcatenation: false },
      expect.objectContaining({ file: 'long-a.wav', isConcatenation: true }),
    ]);
  });

  it.each([
    ['file\tseconds\nx.wav\t1', 'no column "reference"'],
    [`${head}\na.wav\t1\tyes\nb.wav\tlong\tno`, 'line 3'],
    [`${head}\na.wav\t1`, 'line 2'],
  ])('is refused when something is missing: %j', (text, complaint) => {
    expect(() => parseManifest(text, '/speech')).toThrow(SpeechError);
    expect(() => parseManifest(text, '/speech')).toThrow(complaint);
  });
});

describe('the command line of the benchmarks', () => {
  const names = ['accuracy', 'stream-cost'];

  it('chooses all benchmarks, the base model and the server of the sources by default', () => {
    expect(readOptions([], names, '/project')).toMatchObject({
      names: [],
      model: 'base',
      speechDirectory: null,
      serverEntry: '/project/src/main.ts',
    });
  });

  it('leaves the page of figures alone when some are named, unless it is to be updated', () => {
    expect(readOptions([], names, '/project').record).toBe(true);
    expect(readOptions(['accuracy'], names, '/project').record).toBe(false);
    expect(readOptions(['accuracy', '--update'], names, '/project').record).toBe(true);
  });

  it.each([
    [['fastness'], 'accuracy, stream-cost'],
    [['--model', 'huge'], 'base or tiny'],
    [['--quick'], '--quick'],
  ])('refuses what there is not: %j', (args, complaint) => {
    expect(() => readOptions(args, names, '/project')).toThrow(UsageError);
    expect(() => readOptions(args, names, '/project')).toThrow(complaint);
  });
});

describe('the report', () => {
  it('sets figures beside their limits, and says what is not known and what was skipped', () => {
    const report = formatReport(
      ['today, this machine'],
      [
        {
          name: 'speed',
          outcome: {
            kind: 'measured',
            figures: [
              { what: 'answer', unit: 'ms', ours: 3, bareLimit: 2, target: { of: 'ratio', atMost: 2 } },
              { what: 'errors', unit: 'percent', ours: 0.074, target: { of: 'ours', atMost: 0.07 } },
              { what: 'memory', unit: 'MiB', ours: null, target: { of: 'ours', atMost: 300 } },
            ],
            notes: ['on a quiet day'],
          },
        },
        { name: 'words', outcome: { kind: 'skipped', reason: 'no speech' } },
      ],
    );
    expect(report.split('\n')).toEqual([
      'today, this machine',
      '',
      '                  ours  bare limit   ratio     wanted  met',
      '──────────────────────────────────────────────────────────',
      'speed: answer  3.00 ms     2.00 ms  1.50 ×      ≤ 2 ×  yes',
      'speed: errors   7.40 %                       ≤ 7.00 %   NO',
      'speed: memory  unknown                      ≤ 300 MiB   NO',
      '',
      'speed: on a quiet day',
      'words was skipped: no speech',
    ]);
  });
});

describe('work on many items', () => {
  it('is done for each once, with no more at a time than allowed', async () => {
    const done: number[] = [];
    let underWay = 0;
    await forEachOf([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      underWay += 1;
      expect(underWay).toBeLessThanOrEqual(3);
      await Promise.resolve();
      underWay -= 1;
      done.push(item);
    });
    expect(done.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('stops at the first failure, and reports it', async () => {
    const begun: number[] = [];
    const work = forEachOf([1, 2, 3, 4, 5, 6], 2, async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 2) throw new Error('two failed');
    });
    await expect(work).rejects.toThrow('two failed');
    expect(begun.length).toBeLessThan(6);
  });
});
