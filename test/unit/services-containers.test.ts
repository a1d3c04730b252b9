import { describe, expect, it } from 'vitest';
import type { AudioFormat } from '../../src/audio/format.ts';
import type { Segment, SessionRecord } from '../../src/database/session-records.ts';
import {
  piecesOf,
  stereoContainers,
  TONE_RATE,
  TONE_SENTENCES,
  toneContainers,
  toneSamples,
  type ContainerFixture,
} from '../support/containers.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices, type TestServices } from '../support/services.ts';
import { until } from '../support/wait.ts';

const TONES = toneContainers();
const TONE_MS = (toneSamples().length * 1000) / TONE_RATE;
const PCM: AudioFormat = { encoding: 'PCM_S16LE', sampleRate: TONE_RATE, channels: 1 };

function tones(encoding: string): ContainerFixture {
  const fixture = TONES.find(({ format }) => format.encoding === encoding);
  if (fixture === undefined) throw new Error(`there is no ${encoding} among the fixtures`);
  return fixture;
}

async function start({ sessions }: TestServices, audioFormat: AudioFormat): Promise<string> {
  const session = { externalId: null, title: null, language: 'en', audioFormat, speakers: [], metadata: null };
  return (await sessions.start(session)).id;
}

async function send({ audio }: TestServices, id: string, pieces: readonly Uint8Array[], first = 0): Promise<void> {
  for (const [index, piece] of pieces.entries()) await audio.send(id, first + index, piece);
}

async function finalsOf({ reader }: TestServices, sessionId: string): Promise<Segment[]> {
  return reader.finalsOf({ sessionId, afterSequence: 0, beforeSequence: Infinity, limit: 100, fromEnd: false });
}

/** All that a final says but when it was made. */
function account(finals: readonly Segment[]) {
  return finals.map(({ createdAt: _, sessionId: __, id: ___, ...rest }) => rest);
}

function expectToAddUp({ coverage }: SessionRecord): void {
  const { receivedMs, ...classes } = coverage;
  expect(Object.values(classes).reduce((sum, ms) => sum + ms, 0)).toBe(receivedMs);
}

/** Pieces of 1 byte to 3 kB, the same each time. */
function cut({ bytes }: ContainerFixture): Uint8Array[] {
  let random = 7;
  return piecesOf(bytes, () => {
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    return 1 + (random % 3_000);
  });
}

describe('a session with a container', () => {
  const services = useServices();

  /** Of the fixtures, by name: what nothing came between. */
  const undisturbed = new Map<string, Segment[]>();

  async function transcript(format: AudioFormat, chunks: readonly Uint8Array[]): Promise<Segment[]> {
    const id = await start(services(), format);
    await send(services(), id, chunks);
    const ended = await services().sessions.end(id, chunks.length);
    expect(ended.coverage).toMatchObject({ receivedMs: TONE_MS, failedMs: 0, gapMs: 0, pendingMs: 0 });
    expectToAddUp(ended);
    return finalsOf(services(), id);
  }

  it('has the words and the times of the same recording sent as samples, whatever it is cut into', async () => {
    const expected = await transcript(
      PCM,
      piecesOf(bytesOf(toneSamples()), () => 3_200),
    );
    expect(expected.map(({ text }) => text)).toEqual(TONE_SENTENCES);
    for (const fixture of TONES) {
      const finals = await transcript(fixture.format, cut(fixture));
      undisturbed.set(fixture.name, finals);
      expect(
        finals.map(({ text }) => text),
        fixture.name,
      ).toEqual(TONE_SENTENCES);
      for (const [index, { startMs, endMs }] of finals.entries()) {
        // Steps of the speech detector: the codecs blur the edges of tones.
        expect(Math.abs(startMs - (expected[index]?.startMs ?? 0)), fixture.name).toBeLessThanOrEqual(64);
        expect(Math.abs(endMs - (expected[index]?.endMs ?? 0)), fixture.name).toBeLessThanOrEqual(64);
      }
    }
  });

  it('of samples has exactly the finals of the same samples sent as they are', async () => {
    const expected = await transcript(
      PCM,
      piecesOf(bytesOf(toneSamples()), () => 3_200),
    );
    const wav = tones('WAV');
    expect(account(await transcript(wav.format, cut(wav)))).toEqual(account(expected));
  });

  it('gives Opus its rate, whatever the client said', async () => {
    const { sessions } = services();
    const session = { externalId: null, title: null, language: 'en', speakers: [], metadata: null };
    const audioFormat: AudioFormat = { encoding: 'WEBM_OPUS', sampleRate: 16_000, channels: 1 };
    expect(await sessions.start({ ...session, audioFormat })).toMatchObject({ audioFormat: { sampleRate: 48_000 } });
  });

  it('counts what a piece completes, and nothing for a part of a packet', async () => {
    const { bytes, format } = tones('OGG_OPUS');
    const id = await start(services(), format);
    expect(await services().audio.send(id, 0, bytes.subarray(0, 10))).toMatchObject({ nextSequence: 1, receivedMs: 0 });
    expect(await services().audio.send(id, 1, bytes.subarray(10))).toMatchObject({ receivedMs: TONE_MS });
    expect(await services().audio.send(id, 0, bytes.subarray(0, 10))).toMatchObject({ duplicate: true });
    await expect(services().audio.send(id, 0, bytes.subarray(0, 11))).rejects.toMatchObject({ code: 'AUDIO_CONFLICT' });
  });

  it('refuses what can’t follow, before it is stored, and goes on unharmed', async () => {
    // Samples of WAV may be anything.
    for (const { name, bytes, format } of TONES.filter((fixture) => fixture.name !== 'WAV')) {
      const id = await start(services(), format);
      const half = bytes.length >> 1;
      const garbage = new Uint8Array(500_000).fill(0x5a);
      const refused = expect.objectContaining({ code: 'AUDIO_MALFORMED' });
      await expect(services().audio.send(id, 0, garbage)).rejects.toEqual(refused);
      await services().audio.send(id, 0, bytes.subarray(0, half));
      const behind = [services().audio.send(id, 1, garbage), services().audio.send(id, 2, bytes.subarray(half))];
      const outcomes = await Promise.allSettled(behind);
      expect(outcomes.map((one) => (one.status === 'rejected' ? one.reason.code : one.status))).toEqual([
        'AUDIO_MALFORMED',
        'AUDIO_OUT_OF_ORDER',
      ]);
      const rest = await services().audio.send(id, 1, bytes.subarray(half));
      expect(rest, name).toMatchObject({ nextSequence: 2, receivedMs: TONE_MS });
    }
  });

  it('keeps two channels apart', async () => {
    for (const { format, bytes } of stereoContainers()) {
      const id = await start(services(), format);
      await send(services(), id, [bytes]);
      const ended = await services().sessions.end(id, 1);
      expect(ended.coverage).toMatchObject({ receivedMs: 1_000, failedMs: 0, gapMs: 0 });
    }
  });

  it('goes on bit by bit as it would have, when the recogniser or the server is lost in its middle', async () => {
    for (const fixture of TONES) {
      const chunks = cut(fixture);
      const expected = undisturbed.get(fixture.name) ?? (await transcript(fixture.format, chunks));
      const id = await start(services(), fixture.format);
      const [third, twoThirds] = [Math.floor(chunks.length / 3), Math.floor((chunks.length * 2) / 3)];
      await send(services(), id, chunks.slice(0, third));
      await until(async () => (await finalsOf(services(), id)).length >= 1, { what: `finals of ${fixture.name}` });
      services().recogniser.fail();
      await send(services(), id, chunks.slice(third, twoThirds), third);
      await until(async () => (await finalsOf(services(), id)).length >= 4, { what: `more finals of ${fixture.name}` });
      await services().restart();
      await send(services(), id, chunks.slice(twoThirds), twoThirds);
      await services().restart();
      const ended = await services().sessions.end(id, chunks.length);
      expect(account(await finalsOf(services(), id)), fixture.name).toEqual(account(expected));
      expect(ended.coverage).toMatchObject({ receivedMs: TONE_MS, failedMs: 0, gapMs: 0, pendingMs: 0 });
    }
  });

  it('shows what the client lost as a gap, and has the words behind it at their times', async () => {
    const skipMs = 1_500;
    for (const fixture of TONES.filter(({ name }) => name === 'WebM' || name === 'WAV')) {
      const { format, bytes } = fixture;
      const id = await start(services(), format);
      const half = (bytes.length >> 1) & ~1;
      await services().audio.send(id, 0, bytes.subarray(0, half));
      await services().audio.skip(id, 1, skipMs);
      // A client may begin anew, as a recorder does, or go on where a packet begins.
      const lostBytes = (skipMs * TONE_RATE * 2) / 1_000;
      await services().audio.send(id, 2, fixture.name === 'WAV' ? bytes.subarray(half + lostBytes) : bytes);
      const ended = await services().sessions.end(id, 3);
      expectToAddUp(ended);
      expect(ended.coverage.gapMs, fixture.name).toBeGreaterThanOrEqual(skipMs);
      expect(ended.coverage.failedMs).toBe(0);
      const texts = (await finalsOf(services(), id)).map(({ text }) => text);
      expect(texts.slice(-3), fixture.name).toEqual(TONE_SENTENCES.slice(-3));
    }
  });
});
