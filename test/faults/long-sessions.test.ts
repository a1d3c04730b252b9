import { expect, it } from 'vitest';
import { runLongSession } from './long-sessions.ts';

/** Of audio; `npm run test:soak` has 24 of them. */
const HOURS = 0.5;
const LIMIT_MS = 120_000;

it(
  'a long session keeps its times, its account and its finals, also when the server is killed in its middle',
  async () => {
    const { finals, recovery } = await runLongSession({
      hours: HOURS,
      built: false,
      kill: true,
      tell: () => undefined,
    });
    expect(finals).toBe(HOURS * 60);
    expect(recovery?.hours).toBe(HOURS / 2);
  },
  LIMIT_MS,
);
