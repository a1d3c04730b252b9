import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MemoryChunkStore, type Gap, type Segment } from '../../src/client/index.ts';
import { BreakableConnection } from '../e2e/breakable-connection.ts';
import { listenTo, quickClient, transcribeUndisturbed } from '../support/client-session.ts';
import { piecesOf, TONE_SENTENCES, toneContainers, toneSamples } from '../support/containers.ts';
import { readSession, textsOf } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Encoders move the beginning of a tone by as much as this. */
const SMEAR_MS = 40;

let server: TestServer;
let fromSamples: readonly Segment[];
beforeAll(async () => {
  server = await startTestServer();
  const samples = toneSamples();
  fromSamples = await transcribeUndisturbed(server.url, [new Uint8Array(samples.buffer)]);
});
afterAll(() => server.stop());

const [WEBM] = toneContainers();
if (WEBM === undefined) throw new Error('there is no WebM among the fixtures');
const { format, bytes } = WEBM;
/** As a recorder gives them. */
const BLOBS = piecesOf(bytes, () => 333);

describe('a container through the client', () => {
  it.each(toneContainers())(
    'of $name loses and doubles nothing while its connection is cut, and its time is that of the samples',
    async (fixture) => {
      const network = await BreakableConnection.to(server.url);
      const session = await quickClient(network.url).startSession({ audio: fixture.format });
      const { finals, setbacks } = listenTo(session);
      const pieces = piecesOf(fixture.bytes, () => Math.ceil(fixture.bytes.length / 120));
      for (const [index, piece] of pieces.entries()) {
        session.write(piece);
        if (index % 30 !== 29) continue;
        await until(() => session.status.acknowledgedMs > 0);
        network.cut();
      }
      const { id } = await session.end();
      await network.close();
      expect(setbacks).toContain('CONNECTION_LOST');
      expect(textsOf(finals)).toEqual(TONE_SENTENCES);
      for (const [index, final] of finals.entries()) {
        expect(Math.abs(final.startMs - (fromSamples[index]?.startMs ?? Infinity))).toBeLessThanOrEqual(SMEAR_MS);
        expect(Math.abs(final.endMs - (fromSamples[index]?.endMs ?? Infinity))).toBeLessThanOrEqual(SMEAR_MS);
      }
      const { coverage } = await readSession(server.client, id);
      expect(coverage).toMatchObject({ receivedMs: session.status.writtenMs, gapMs: 0, failedMs: 0, pendingMs: 0 });
    },
  );

  it('may come as blobs, as MediaRecorder gives them', async () => {
    // The rate of Opus is what it is, whatever an app thinks.
    const session = await quickClient(server.url).startSession({ audio: { ...format, sampleRate: 16_000 } });
    const { finals } = listenTo(session);
    const recording = session.audio.getWriter();
    for (const piece of BLOBS) void recording.write(new Blob([new Uint8Array(piece)]));
    await recording.close();
    await session.finished;
    expect(textsOf(finals)).toEqual(TONE_SENTENCES);
  });

  it('that overflows the buffer loses its oldest audio, and neither its header nor its time', async () => {
    const network = await BreakableConnection.to(server.url);
    await network.close();
    const session = await quickClient(network.url, { limits: { maxBufferedMs: 8_000 } }).startSession({
      audio: format,
    });
    const gaps: Gap[] = [];
    session.on('gap', (gap) => gaps.push(gap));
    const { finals } = listenTo(session);
    for (const piece of BLOBS) session.write(piece);
    const back = await BreakableConnection.to(server.url, Number(new URL(network.url).port));
    const { id } = await session.end();
    await back.close();
    const lostMs = gaps.reduce((sum, { durationMs }) => sum + durationMs, 0);
    const { coverage } = await readSession(server.client, id);
    expect(coverage).toMatchObject({ receivedMs: session.status.writtenMs, gapMs: lostMs, failedMs: 0, pendingMs: 0 });
    expect(lostMs).toBeGreaterThan(10_000);
    // Whole sentences of the last eight seconds.
    expect(textsOf(finals).slice(-3)).toEqual(TONE_SENTENCES.slice(-3));
    for (const [index, final] of finals.slice(-3).entries()) {
      expect(Math.abs(final.startMs - (fromSamples.at(index - 3)?.startMs ?? Infinity))).toBeLessThanOrEqual(SMEAR_MS);
    }
  });

  it('goes on, abandoned and resumed, with what was not acknowledged, and with a recorder that begins anew', async () => {
    const network = await BreakableConnection.to(server.url);
    const client = quickClient(network.url, { chunkStore: new MemoryChunkStore() });
    const first = await client.startSession({ audio: format });
    for (const piece of BLOBS.slice(0, 10)) first.write(piece);
    await until(() => first.status.acknowledgedMs > 0);
    network.cut();
    for (const piece of BLOBS.slice(10)) first.write(piece);
    const { writtenMs } = first.status;
    await first.abandon();
    await first.finished.catch(() => undefined);

    const second = await client.resumeSession(first.externalId);
    const { finals } = listenTo(second);
    for (const piece of BLOBS) second.write(piece);
    const { id } = await second.end();
    await network.close();
    expect(textsOf(finals)).toEqual([...TONE_SENTENCES, ...TONE_SENTENCES]);
    const { coverage } = await readSession(server.client, id);
    expect(coverage).toMatchObject({ receivedMs: second.status.writtenMs, gapMs: 0, failedMs: 0, pendingMs: 0 });
    expect(second.status.writtenMs).toBe(2 * writtenMs);
  });

  it('declares a gap that the program knows of, behind which it goes on', async () => {
    const session = await quickClient(server.url).startSession({ audio: format });
    const { finals } = listenTo(session);
    session.write(bytes);
    session.skip(5_000);
    session.write(bytes);
    const { id } = await session.end();
    expect(textsOf(finals)).toEqual([...TONE_SENTENCES, ...TONE_SENTENCES]);
    const { coverage } = await readSession(server.client, id);
    expect(coverage).toMatchObject({ receivedMs: session.status.writtenMs, gapMs: 5_000, failedMs: 0, pendingMs: 0 });
  });

  it('that is none is refused where it is written, and what came before is transcribed', async () => {
    const session = await quickClient(server.url).startSession({ audio: format });
    const { finals } = listenTo(session);
    const recording = session.audio.getWriter();
    await recording.write(bytes);
    await expect(recording.write(new Uint8Array(4_000))).rejects.toMatchObject({ code: 'AUDIO_MALFORMED' });
    await session.finished;
    expect(textsOf(finals)).toEqual(TONE_SENTENCES);
  });

  it('of another rate than the session is refused with what to do', async () => {
    const flac = toneContainers().find((fixture) => fixture.format.encoding === 'FLAC');
    const session = await quickClient(server.url).startSession({
      audio: { encoding: 'FLAC', sampleRate: 48_000, channels: 1 },
    });
    expect(() => session.write(flac?.bytes ?? new Uint8Array(0))).toThrow(/start a session with sampleRate 16000/u);
    await session.end();
  });
});
