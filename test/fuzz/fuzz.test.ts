import { describe, expect, it } from 'vitest';
import { fuzz, TARGET_NAMES } from './fuzz.ts';

const SEED = 20_260_314;
const INPUTS = 1_000;
const LIMIT_MS = 120_000;

describe('malformed inputs', () => {
  it(
    'never get a server to fail, to leak, or to disturb a healthy stream; nor damaged logs one to start',
    async () => {
      const report = await fuzz({
        seed: SEED,
        inputs: INPUTS,
        targets: TARGET_NAMES,
        damagedSessions: 6,
        built: false,
        tell: () => undefined,
      });
      // Again: npm run test:fuzz -- --sources --inputs 1000 --seed 20260314 --target … --only …
      expect(report.findings).toEqual([]);
      expect([...report.results.values()].reduce((sum, { inputs }) => sum + inputs, 0)).toBe(INPUTS + 6);
      expect(report.healthy?.finals).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});
