import { expect, it } from 'vitest';
import type { Engine } from '../../src/recognition/engine.ts';
import type { FromProcess } from '../../src/recognition/messages.ts';
import { DEFAULT_TIMING } from '../../src/recognition/process-timing.ts';
import { RecogniserHost } from '../../src/recognition/recogniser-host.ts';
import { createScriptedEngine } from '../../src/recognition/scripted/scripted-engine.ts';
import { chunksOf } from '../support/recogniser-pool.ts';
import { until } from '../support/wait.ts';

const NIGHT_MS = 8 * 3_600_000;
const { heartbeatMs, stalledMs } = DEFAULT_TIMING;

/** A recogniser process in the middle of a decode that does not end, on a clock that is set by hand. */
async function decodingHost() {
  const clock = { ms: 1_000 };
  const sent: FromProcess[] = [];
  const engine: Engine = { ...createScriptedEngine({ faults: false }), decode: () => new Promise(() => undefined) };
  const host = new RecogniserHost({
    engine,
    settings: { interimIntervalMs: 0, endSilenceMs: 512 },
    send: (message) => sent.push(message),
    now: () => clock.ms,
  });
  const format = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
  host.handle({ type: 'open', streamId: 1, options: { sessionId: 's', format, language: 'en', resume: null } });
  for (const [index, bytes] of chunksOf(['alpha', { silenceMs: 700 }]).entries()) {
    host.handle({ type: 'audio', streamId: 1, startFrame: index * 1_600, bytes });
  }
  await until(() => sent.some(({ type }) => type === 'decoding'), { what: 'the decode' });
  const pingAfter = (ms: number) => {
    clock.ms += ms;
    host.handle({ type: 'ping' });
    const last = sent.at(-1);
    if (last?.type !== 'pong') throw new Error('a ping was not answered');
    return last;
  };
  return { pingAfter };
}

it('a process that was suspended over night with its computer or container has not hung', async () => {
  const { pingAfter } = await decodingHost();
  pingAfter(heartbeatMs);
  pingAfter(heartbeatMs);
  expect(pingAfter(NIGHT_MS).stalledMs).toBeLessThan(stalledMs / 2);
});

it('but has, when its work does not move afterwards either', async () => {
  const { pingAfter } = await decodingHost();
  pingAfter(heartbeatMs);
  pingAfter(NIGHT_MS);
  let pong = pingAfter(heartbeatMs);
  for (let beat = 0; beat < stalledMs / heartbeatMs; beat++) pong = pingAfter(heartbeatMs);
  expect(pong.stalledMs).toBeGreaterThan(stalledMs);
});
