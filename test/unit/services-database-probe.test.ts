import { describe, expect, it } from 'vitest';
import { DatabaseProbe } from '../../src/services/database-probe.ts';
import { Gate } from '../support/gate.ts';

describe('looking whether the database works', () => {
  it('asks it once for all who look, and again only when the answer is old', async () => {
    let pings = 0;
    let now = 0;
    const ping = async () => {
      pings += 1;
      if (pings === 2) throw new Error('away');
    };
    const probe = new DatabaseProbe({ ping }, () => now);
    expect(await Promise.all(Array.from({ length: 100 }, () => probe.isAvailable()))).not.toContain(false);
    now = 499;
    expect(await probe.isAvailable()).toBe(true);
    expect(pings).toBe(1);
    now = 500;
    expect(await probe.isAvailable()).toBe(false);
    now = 1_000;
    expect(await probe.isAvailable()).toBe(true);
    expect(pings).toBe(3);
  });

  it('never has more than one question waiting for a database that does not answer', async () => {
    const gate = new Gate();
    let pings = 0;
    let now = 0;
    const ping = () => {
      pings += 1;
      return gate.opened;
    };
    const probe = new DatabaseProbe({ ping }, () => now);
    const first = await Promise.all([probe.isAvailable(), probe.isAvailable()]);
    now = 60_000;
    expect([...first, await probe.isAvailable()]).toEqual([false, false, false]);
    expect(pings).toBe(1);
    gate.open();
    await gate.opened;
    expect(await probe.isAvailable()).toBe(true);
  });
});
