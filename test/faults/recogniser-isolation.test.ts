import { describe, expect, it } from 'vitest';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { interleave, RecordingListener, writeParts } from '../support/recognition.ts';
import {
  chunksOf,
  decisionsOf,
  FORMAT,
  isAlive,
  onlyPid,
  openPooled,
  QUICK_TIMING,
  silentLogger,
  speakWhole,
  usePools,
} from '../support/recogniser-pool.ts';
import { until } from '../support/wait.ts';

const { createPool, startPool } = usePools();
/** Each stream waits for a process to start, and for the one before it to end. */
const SLOW = { timeout: 60_000 };
/** A process that ends by itself; on a busy machine it must not be taken for one that hangs. */
const CRASHING = { scriptedFaults: true, timing: { missedHeartbeats: 600, stalledMs: 30_000 } };
const pause: ToneSpeechPart = { silenceMs: 700 };

describe('an isolated stream', () => {
  it('is heard in a process of its own, which is there for as long as the stream', async () => {
    const pool = await startPool();
    const regular = onlyPid(pool);
    const listener = new RecordingListener();
    const stream = openPooled(pool, listener, { isolated: true });
    writeParts(stream, chunksOf(['alpha', pause]), 2);
    await until(() => listener.texts.length > 0, { what: 'the first words' });
    const [, own = regular] = pool.pids;
    expect(pool.pids).toEqual([regular, own]);
    expect(own).not.toBe(regular);
    stream.end();
    expect((await listener.untilEnded()).texts).toEqual(['alpha']);
    await until(() => pool.pids.length === 1, { what: 'the end of the process' });
    expect(isAlive(own)).toBe(false);
    expect(onlyPid(pool)).toBe(regular);
  });

  it('takes nobody with it when it kills its process', async () => {
    const pool = await startPool(CRASHING);
    const regular = onlyPid(pool);
    const [poisoned, innocent] = [new RecordingListener(), new RecordingListener()];
    const innocentStream = openPooled(pool, innocent);
    writeParts(innocentStream, chunksOf(['alpha', pause]), 2);
    speakWhole(openPooled(pool, poisoned, { isolated: true }), ['bravo', pause, 'crash', pause]);
    await expect(poisoned.untilEnded()).rejects.toMatchObject({ blame: 'process' });
    expect(poisoned.texts).toEqual(['bravo']);
    innocentStream.end();
    expect((await innocent.untilEnded()).texts).toEqual(['alpha']);
    expect(onlyPid(pool)).toBe(regular);
  });

  it('gets past an utterance that nothing survives, with exactly that one failed', SLOW, async () => {
    const pool = await startPool(CRASHING);
    const script: ToneSpeechPart[] = ['alpha', pause, 'bravo', 'crash', pause, 'charlie', pause, 'delta'];
    const chunks = chunksOf(script);
    const harmless = await decisionsOf(await startPool(), chunks);
    const poisoned = new RecordingListener();
    writeParts(openPooled(pool, poisoned, { isolated: true }), chunks, 2);
    await until(() => poisoned.failures.length > 0, { what: 'the failure of the stream' });
    const resume = poisoned.decisions.at(-1)?.resume ?? null;
    const past = new RecordingListener();
    const stream = openPooled(pool, past, { isolated: true, skipFirstUtterance: true, resume });
    writeParts(stream, chunks, 2, resume?.readFromFrame);
    stream.end();
    await past.untilEnded();
    const decisions = [...poisoned.decisions, ...past.decisions];
    expect(decisions.map((decision) => (decision.kind === 'final' ? decision.transcript.text : decision.kind))).toEqual(
      ['alpha', 'failed', 'charlie', 'delta'],
    );
    expect(decisions.map(({ resume: point }) => point)).toEqual(harmless.map(({ resume: point }) => point));
    const crash = harmless.flatMap((decision) => (decision.kind === 'final' ? [decision.transcript] : []))[1];
    expect(decisions[1]).toMatchObject({ startSample: crash?.startSample, endSample: crash?.endSample });
  });

  it('tells what was decided on one channel before it decodes the other one, so that only one utterance is passed over', async () => {
    const pool = await startPool(CRASHING);
    const listener = new RecordingListener();
    const crash = synthesiseToneSpeech(['crash', pause], FORMAT.sampleRate);
    const stream = openPooled(pool, listener, {
      isolated: true,
      skipFirstUtterance: true,
      format: { ...FORMAT, channels: 2 },
    });
    writeParts(stream, [interleave(crash, crash)], 4);
    stream.end();
    await expect(listener.untilEnded()).rejects.toMatchObject({ blame: 'process' });
    expect(listener.decisions).toMatchObject([{ kind: 'failed', channel: 0 }]);
  });

  it('waits for its turn, and does not mind how the one before it came to its end', SLOW, async () => {
    const pool = await startPool(CRASHING);
    const [closed, crashed, ended, last] = Array.from({ length: 4 }, () => new RecordingListener());
    if (!closed || !crashed || !ended || !last) throw new Error('unreachable');
    const most = { pids: 0 };
    const closedStream = openPooled(pool, closed, { isolated: true });
    writeParts(closedStream, chunksOf(['alpha', pause]), 2);
    speakWhole(openPooled(pool, crashed, { isolated: true }), ['bravo', pause, 'crash', pause]);
    const never = openPooled(pool, new RecordingListener(), { isolated: true });
    speakWhole(openPooled(pool, ended, { isolated: true }), ['charlie']);
    speakWhole(openPooled(pool, last, { isolated: true }), ['delta']);
    never.close();
    await until(() => closed.texts.length > 0, { what: 'the first words' });
    expect(crashed.events).toEqual([]);
    closedStream.close();
    await until(
      () => {
        most.pids = Math.max(most.pids, pool.pids.length);
        return last.ended;
      },
      { what: 'the end of the last stream', timeoutMs: 40_000 },
    );
    expect(crashed.failures.map(({ blame }) => blame)).toEqual(['process']);
    expect([closed, crashed, ended, last].map(({ texts }) => texts)).toEqual([
      ['alpha'],
      ['bravo'],
      ['charlie'],
      ['delta'],
    ]);
    expect(most.pids).toBe(2);
    await until(() => pool.pids.length === 1, { what: 'the end of the process' });
  });

  it('gives way to one that waits when its own audio does not come, and nothing is held against it', SLOW, async () => {
    const pool = await startPool({ timing: { isolatedTurnMs: 100 } });
    const [silent, other, again] = [new RecordingListener(), new RecordingListener(), new RecordingListener()];
    const stream = openPooled(pool, silent, { isolated: true });
    writeParts(stream, chunksOf(['alpha', pause, 'bravo']), 2);
    await until(() => silent.texts.length > 0, { what: 'the first words' });
    speakWhole(openPooled(pool, other, { isolated: true }), ['charlie']);
    expect((await other.untilEnded()).texts).toEqual(['charlie']);
    expect(silent.failures.map(({ blame }) => blame)).toEqual(['outside']);
    const resume = silent.decisions.at(-1)?.resume ?? null;
    const resumed = openPooled(pool, again, { isolated: true, resume });
    writeParts(resumed, chunksOf(['alpha', pause, 'bravo']), 2, resume?.readFromFrame);
    resumed.end();
    expect((await again.untilEnded()).texts).toEqual(['bravo']);
  });

  it('keeps its process beyond its turn while nobody waits for it', SLOW, async () => {
    const pool = await startPool({ timing: { isolatedTurnMs: 1 } });
    const listener = new RecordingListener();
    const stream = openPooled(pool, listener, { isolated: true });
    const chunks = chunksOf(['alpha', pause, 'bravo', pause]);
    writeParts(stream, chunks.slice(0, 12), 2);
    await until(() => listener.texts.length > 0, { what: 'the first words' });
    writeParts(stream, chunks, 2, 12 * 1_600);
    stream.end();
    expect((await listener.untilEnded()).texts).toEqual(['alpha', 'bravo']);
  });

  it('has failures that are not counted for the regular processes, nor theirs for it', SLOW, async () => {
    const pauses: unknown[] = [];
    const logger = { ...silentLogger, error: (details: object) => pauses.push(Reflect.get(details, 'pauseMs')) };
    const pool = await startPool({ scriptedFaults: true, logger });
    for (let crash = 0; crash < 3; crash++) {
      const listener = new RecordingListener();
      speakWhole(openPooled(pool, listener, { isolated: true }), ['crash', pause]);
      await expect(listener.untilEnded()).rejects.toMatchObject({ blame: 'process' });
    }
    expect(pauses).toEqual([undefined, undefined, undefined]);
    process.kill(onlyPid(pool), 'SIGKILL');
    await until(() => pauses.length === 4, { what: 'the loss of the regular process' });
    expect(pauses.at(-1)).toBe(QUICK_TIMING.firstRestartMs);
    await until(() => pool.ready, { what: 'the replacement' });
    expect(await decisionsOf(pool, chunksOf(['alpha', pause]))).toHaveLength(2);
  });

  it('is not to blame when its process does not start', async () => {
    const pool = createPool({ timing: { loadMs: 1 } });
    const listeners = [new RecordingListener(), new RecordingListener()];
    for (const listener of listeners) speakWhole(openPooled(pool, listener, { isolated: true }), ['alpha']);
    for (const listener of listeners) {
      await expect(listener.untilEnded()).rejects.toMatchObject({ blame: 'outside', message: /did not start/ });
    }
    await until(() => pool.pids.length === 0, { what: 'the end of the process' });
  });

  it('ends with the recogniser', async () => {
    const pool = await startPool();
    const [heard, waiting] = [new RecordingListener(), new RecordingListener()];
    writeParts(openPooled(pool, heard, { isolated: true }), chunksOf(['alpha', pause]), 2);
    writeParts(openPooled(pool, waiting, { isolated: true }), chunksOf(['bravo', pause]), 2);
    await until(() => heard.texts.length > 0, { what: 'the first words' });
    const { pids } = pool;
    expect(pids).toHaveLength(2);
    await pool.stop();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(pool.pids).toEqual([]);
    expect(waiting.events).toEqual([]);
  });
});
