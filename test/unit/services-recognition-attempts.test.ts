import { describe, expect, it } from 'vitest';
import type { FailureBlame } from '../../src/recognition/recogniser.ts';
import { RecognitionAttempts } from '../../src/services/recognition-attempts.ts';

function modesAfter(...blames: FailureBlame[]): string[] {
  const attempts = new RecognitionAttempts();
  return blames.map((blame) => attempts.failed(blame).mode);
}

describe('audio on which the recogniser fails', () => {
  it('is tried again among the others, then alone, then without its next utterance, then not at all', () => {
    const modes = ['shared', 'isolated', 'isolated', 'isolated', 'skip', 'skip', 'omit', 'omit', 'omit'];
    expect(modesAfter(...modes.map(() => 'process' as const))).toEqual(modes);
  });

  it('is never given up because its process was killed from outside', () => {
    expect(new Set(modesAfter(...Array.from({ length: 100 }, () => 'outside' as const)))).toEqual(new Set(['shared']));
    expect(modesAfter('process', 'stream', 'outside', 'outside', 'outside', 'outside').at(-1)).toBe('isolated');
  });

  it('gives up no more than what it failed on, though the process is killed from outside afterwards', () => {
    const attempts = new RecognitionAttempts();
    const blames: FailureBlame[] = [
      ...Array.from({ length: 7 }, () => 'process' as const),
      'outside',
      'outside',
      'stream',
    ];
    const givenUp = blames
      .map((blame) => attempts.failed(blame))
      .map(({ mode, givesUp }) => (givesUp ? 'given up' : mode));
    expect(givenUp.slice(-5)).toEqual(['skip', 'given up', 'omit', 'omit', 'given up']);
  });

  it('has nothing against it any more once something was decided', () => {
    const attempts = new RecognitionAttempts();
    for (let i = 0; i < 5; i++) attempts.failed('process');
    expect(attempts.mode).toBe('skip');
    attempts.passed();
    expect(attempts).toMatchObject({ mode: 'shared', failures: 0 });
    expect(attempts.failed('process')).toEqual({ mode: 'shared', pauseMs: 100, givesUp: false });
  });

  it('waits longer each time, up to 10 s', () => {
    const attempts = new RecognitionAttempts();
    const pauses = Array.from({ length: 9 }, () => attempts.failed('outside').pauseMs);
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  });
});
