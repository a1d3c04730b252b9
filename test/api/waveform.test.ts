import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { piecesOf, stereoContainers } from '../support/containers.ts';
import { endSession, sendChunks, SKIP, speechChunks, startSession } from '../support/operations.ts';
import { interleave } from '../support/recognition.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

const WAV_HEADER_BYTES = 44;
const RATE = 16_000;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

interface WaveformView {
  readonly durationMs: number;
  readonly measuredMs: number;
  readonly stretchMs: number;
  readonly peaks: (number | null)[][];
}

const WAVEFORM = `query ($id: ID!, $count: Int!) {
  session(id: $id) { waveform(count: $count) { durationMs measuredMs stretchMs peaks } }
}`;

/** When all of it was measured. */
function waveformOf(id: string, count: number): Promise<WaveformView> {
  return until(async () => {
    const waveform = await askWaveform(id, count);
    return waveform !== null && waveform.measuredMs === waveform.durationMs && waveform;
  });
}

async function askWaveform(id: string, count: number): Promise<WaveformView | null> {
  const { session } = await server.client.data<{ session: { waveform: WaveformView | null } | null }>(WAVEFORM, {
    id,
    count,
  });
  return session?.waveform ?? null;
}

/** The file that keeps what was measured. */
function keptFile(id: string): string {
  const [, uuid = ''] = Buffer.from(id, 'base64').toString().split(':');
  return path.join(server.dataDirectory, 'sessions', uuid, 'waveform.peaks');
}

/** So many samples of a square wave. */
function square(amplitude: number, ms: number): Int16Array {
  return Int16Array.from({ length: (ms * RATE) / 1_000 }, (_, index) => (index % 20 < 10 ? amplitude : -amplitude));
}

describe('the waveform of a session', () => {
  it.each(stereoContainers())('that was sent as $name is that of its recording', async ({ format, bytes }) => {
    const { client } = server;
    const id = await startSession(client, { audio: format });
    const pieces = piecesOf(bytes, () => 6_000).map((piece) => Buffer.from(piece));
    await sendChunks(client, id, pieces);
    await endSession(client, id);
    const waveform = await waveformOf(id, 50);
    const { session } = await client.data<{ session: { recordingUrl: string } }>(
      'query ($id: ID!) { session(id: $id) { recordingUrl } }',
      { id },
    );
    const response = await fetch(`${server.url}${session.recordingUrl}`);
    const recording = Buffer.from(await response.arrayBuffer()).subarray(WAV_HEADER_BYTES);
    const stretchFrames = (waveform.stretchMs * format.sampleRate) / 1_000;
    const heard = [0, 1].map((channel) =>
      Array.from({ length: waveform.peaks[channel]?.length ?? 0 }, (_, stretch) => {
        let loudest = 0;
        for (let frame = stretch * stretchFrames; frame < (stretch + 1) * stretchFrames; frame++) {
          const at = frame * 4 + channel * 2;
          if (at < recording.length) loudest = Math.max(loudest, Math.abs(recording.readInt16LE(at)));
        }
        return loudest / 32_768;
      }),
    );
    expect(waveform.measuredMs).toBe(waveform.durationMs);
    expect(heard[0]?.length).toBeGreaterThan(40);
    for (const channel of [0, 1]) {
      for (const [stretch, peak] of (waveform.peaks[channel] ?? []).entries())
        expect(peak).toBeCloseTo(heard[channel]?.[stretch] ?? NaN, 3);
    }
  });

  it('has the peaks of each channel where they are in time, and none where there is no audio', async () => {
    const { client } = server;
    const id = await startSession(client, { audio: { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 2 } });
    const send = (left: Int16Array, right: Int16Array, sequence: number) =>
      sendChunks(client, id, [Buffer.from(interleave(left, right))], sequence);
    await send(square(16_384, 300), square(0, 300), 0);
    await client.data(SKIP, { input: { sessionId: id, sequence: 1, durationMs: 200 } });
    await send(square(0, 500), square(-32_768, 500), 2);

    // While it runs it is that of what came so far.
    const expected = {
      durationMs: 1_000,
      measuredMs: 1_000,
      stretchMs: 100,
      peaks: [
        [0.5, 0.5, 0.5, null, null, 0, 0, 0, 0, 0],
        [0, 0, 0, null, null, 1, 1, 1, 1, 1],
      ],
    };
    expect(await waveformOf(id, 10)).toEqual(expected);
    await send(square(8_192, 200), square(0, 200), 3);
    const grown = await until(async () => {
      const waveform = await waveformOf(id, 10);
      return waveform.durationMs === 1_200 && waveform;
    });
    expect(grown).toMatchObject({ measuredMs: 1_200, stretchMs: 120 });
    expect(grown.peaks[0]).toEqual([0.5, 0.5, 0.5, null, 0, 0, 0, 0, 0.25, 0.25]);

    await endSession(client, id);
    const over = await waveformOf(id, 10);
    expect(over).toEqual(grown);
    // More finely, the end of a stretch is exactly where the sound changes.
    const fine = await waveformOf(id, 4_000);
    expect(fine.stretchMs).toBe(4);
    expect(fine.peaks[0]?.slice(74, 76)).toEqual([0.5, null]);
    expect(fine.peaks[1]?.slice(124, 126)).toEqual([null, 1]);
  });

  it('has nothing where the recording was damaged, and everything around it', async () => {
    const { client } = server;
    const id = await startSession(client);
    const chunks = Array.from({ length: 10 }, () => Buffer.from(square(16_384, 100).buffer));
    for (const [sequence, chunk] of chunks.entries()) await sendChunks(client, id, [chunk], sequence);
    await endSession(client, id);
    const log = path.join(path.dirname(keptFile(id)), 'audio.log');
    const bytes = await readFile(log);
    // Within the fifth chunk: each takes its samples, and a little more.
    const place = Math.floor((bytes.length * 4.5) / 10);
    await writeFile(log, bytes.fill(0, place, place + 8));
    expect((await waveformOf(id, 10)).peaks).toEqual([[0.5, 0.5, 0.5, 0.5, null, 0.5, 0.5, 0.5, 0.5, 0.5]]);
  });

  it('is gone with its session', async () => {
    const { client } = server;
    const id = await startSession(client);
    await sendChunks(client, id, speechChunks(['alpha']));
    await endSession(client, id);
    await waveformOf(id, 100);
    expect(existsSync(keptFile(id))).toBe(true);
    await client.data('mutation ($input: DeleteSessionInput!) { deleteSession(input: $input) { deletedSessionId } }', {
      input: { sessionId: id },
    });
    expect(await askWaveform(id, 100)).toBeNull();
    expect(existsSync(path.dirname(keptFile(id)))).toBe(false);
  });

  it('is refused in numbers that nobody could draw, and for whole lists of sessions', async () => {
    const id = await startSession(server.client);
    expect(await waveformOf(id, 100)).toEqual({ durationMs: 0, measuredMs: 0, stretchMs: 4, peaks: [[]] });
    for (const count of [0, 4_001]) {
      const { errors } = await server.client.request(WAVEFORM, { id, count });
      expect(errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
    }
    const list = await server.client.request('{ sessions(first: 10) { edges { node { waveform { durationMs } } } } }');
    expect(list.errors?.[0]?.message).toContain('may cost');
  });

  it('is measured once when the session is over, and again when what was kept of it is wrong', async () => {
    const { client } = server;
    const id = await startSession(client);
    await sendChunks(client, id, speechChunks(['alpha', { silenceMs: 500 }]));
    await endSession(client, id);
    const first = await waveformOf(id, 100);
    expect(first.peaks[0]?.some((peak) => peak !== null && peak > 0.1)).toBe(true);

    for (const pid of descendantsOf(process.pid, /recording-process/u)) process.kill(pid, 'SIGKILL');
    await until(() => descendantsOf(process.pid, /recording-process/u).length === 0);
    expect(await waveformOf(id, 100)).toEqual(first);
    expect(descendantsOf(process.pid, /recording-process/u)).toEqual([]);

    const kept = await readFile(keptFile(id));
    for (const wrong of [kept.subarray(0, kept.length / 2), kept.fill(0, 50, 60), Buffer.alloc(0)]) {
      await writeFile(keptFile(id), wrong);
      expect(await waveformOf(id, 100)).toEqual(first);
    }
  });
});
