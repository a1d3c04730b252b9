import { describe, expect, it } from 'vitest';
import { checkSum, compareFinals, type FinalAccount } from './harness/account.ts';
import { breakNetwork, killRecogniser, killServer } from './harness/faults.ts';
import { Findings } from './harness/findings.ts';
import { Random } from './harness/random.ts';
import { formatFaults, formatFindings } from './harness/report.ts';
import { runScenario } from './harness/run-scenario.ts';
import type { Scenario } from './harness/scenario.ts';
import { SERVER_PROGRAM } from '../support/server-process.ts';

const SEED = 20_260_314;
/** 4 × killServer, 6 × killRecogniser, 3 × breakNetwork. */
const FAULTS = [
  killServer,
  killRecogniser,
  breakNetwork,
  killRecogniser,
  killServer,
  killRecogniser,
  killRecogniser,
  breakNetwork,
  killServer,
  killRecogniser,
  breakNetwork,
  killRecogniser,
  killServer,
] as const;

/** A small part of what `npm run test:faults` does, always with the same seed. */
const SELECTION: Scenario = {
  name: 'selection',
  about: 'some faults of each kind',
  runs: 1,
  faultsPerRun: FAULTS.length,
  environment: { RECOGNISER_PROCESSES: '1' },
  mischief: true,
  expectedErrors: ['recogniser process lost'],
  runLimitMs: 150_000,
  inject: (context, random, index) => (FAULTS[index] ?? killServer)(context, random),
};

describe('sessions that stream while server, recogniser processes and network fail at random moments', () => {
  it('lose nothing that was acknowledged, and give each final once and unchanged', { timeout: 180_000 }, async () => {
    const result = await runScenario(SELECTION, {
      seed: SEED,
      faults: FAULTS.length,
      serverArguments: SERVER_PROGRAM,
      signal: new AbortController().signal,
    });
    expect(result.findings, formatFindings(result)).toEqual([]);
    expect(formatFaults([result])).toMatch(/4 × server killed/u);
    expect(formatFaults([result])).toMatch(/6 × recogniser process SIGKILL/u);
    expect([...result.faults.values()].reduce((sum, count) => sum + count, 0)).toBe(FAULTS.length);
    expect(result.sessionsOfTwoChannels).toBeGreaterThan(0);
    expect(result.sessionsOfContainers).toBeGreaterThan(0);
    expect(result.acknowledged).toBeGreaterThan(100);
    expect(result.finals).toBeGreaterThan(10);
  });
});

describe('what the fault suite holds the server against', () => {
  const final = (sequence: number): FinalAccount => ({
    place: `0.${sequence * 16_000}`,
    sequence,
    revision: 30,
    text: `word ${sequence}`,
    startMs: sequence * 1_000,
    endMs: sequence * 1_000 + 400,
    avgConfidence: 0.9,
    channel: 0,
    speaker: null,
  });
  const expected = [final(1), final(2), final(3)];

  const damagesOf = (found: readonly FinalAccount[]) => {
    const findings = new Findings();
    compareFinals('here', found, expected, findings);
    return findings.list.map(({ damage, count }) => [damage, count]);
  };

  it('tells finals that are changed, doubled or out of order from those that are still to come', () => {
    expect(damagesOf(expected.slice(0, 2))).toEqual([]);
    expect(damagesOf([final(1), { ...final(2), text: 'wrong' }])).toEqual([['segments changed', 1]]);
    expect(damagesOf([final(1), final(1)])).toEqual([['segments doubled', 1]]);
    expect(damagesOf([final(2), final(1)])).toEqual([['segments changed', 2]]);
    expect(damagesOf([...expected, final(4)])).toEqual([['segments changed', 1]]);
  });

  it('notices a coverage that is off by a millisecond', () => {
    const coverage = { receivedMs: 10, transcribedMs: 4, silenceMs: 3, gapMs: 2, failedMs: 1, pendingMs: 0 };
    const findings = new Findings();
    checkSum('here', coverage, findings);
    expect(findings.list).toEqual([]);
    checkSum('here', { ...coverage, silenceMs: 4 }, findings);
    expect(findings.list).toHaveLength(1);
  });

  it('decides the same for the same seed, whatever was decided before', () => {
    const draw = (random: Random) => Array.from({ length: 20 }, () => random.integer(0, 1_000));
    const busy = new Random(7);
    draw(busy);
    expect(draw(busy.fork('fault 3'))).toEqual(draw(new Random(7).fork('fault 3')));
    expect(draw(new Random(7).fork('fault 4'))).not.toEqual(draw(new Random(7).fork('fault 3')));
    expect(draw(new Random(8).fork('fault 3'))).not.toEqual(draw(new Random(7).fork('fault 3')));
  });
});
