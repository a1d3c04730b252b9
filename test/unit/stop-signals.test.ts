import { describe, expect, it } from 'vitest';
import { StopRequests } from '../../src/stop-signals.ts';

describe('requests to stop', () => {
  it('that come within a second of the first are one; whoever asks later asks again', () => {
    let now = 5_000;
    const requests = new StopRequests(() => now);
    const answers = [0, 1, 998, 1, 10_000].map((step) => {
      now += step;
      return requests.note();
    });
    expect(answers).toEqual(['first', 'echo', 'echo', 'again', 'again']);
  });
});
