import { OpusDecoder } from 'opus-decoder';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { rawRequest } from '../support/http.ts';
import { endSession, sendChunks, SKIP, startSession } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const OPUS_RATE = 48_000;
const SEGMENTS = 'query ($id: ID!) { session(id: $id) { segments { edges { node { text startMs channel } } } } }';

interface Heard {
  readonly text: string;
  readonly startMs: number;
  readonly channel: number;
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function linkOf(id: string): Promise<string> {
  const query = 'query ($id: ID!) { session(id: $id) { recordingUrl(format: MP4_OPUS) } }';
  const { session } = await server.client.data<{ session: { recordingUrl: string } }>(query, { id });
  return `${server.url}${session.recordingUrl}`;
}

async function fetched(link: string, range?: string) {
  const response = await fetch(link, { headers: range === undefined ? {} : { range } });
  return { response, body: Buffer.from(await response.arrayBuffer()) };
}

async function heardIn(id: string): Promise<Heard[]> {
  const { session } = await server.client.data<{ session: { segments: { edges: { node: Heard }[] } } }>(SEGMENTS, {
    id,
  });
  return session.segments.edges.map(({ node }) => node);
}

/** Sends audio in pieces of 100,000 bytes and ends the session. */
async function recorded(audio: object, bytes: Buffer): Promise<string> {
  const id = await startSession(server.client, { audio });
  const pieces = Array.from({ length: Math.ceil(bytes.length / 100_000) }, (_, index) =>
    bytes.subarray(index * 100_000, (index + 1) * 100_000),
  );
  await sendChunks(server.client, id, pieces);
  await endSession(server.client, id);
  return id;
}

function bytesOf(samples: Int16Array): Buffer {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
}

/** A second of silence that begins with 30 ms of a tone, for each second. */
function beats(seconds: number, rate: number): Int16Array {
  return Int16Array.from({ length: seconds * rate }, (_, index) =>
    index % rate < 0.03 * rate ? 12_000 * Math.sin((2 * Math.PI * 1_000 * index) / rate) : 0,
  );
}

interface Mp4 {
  readonly channels: number;
  readonly packets: readonly Buffer[];
  /** Samples at 48 kHz that are played, from and to. */
  readonly played: readonly [number, number];
}

/** Takes the file apart by its own tables. */
function parsed(file: Buffer): Mp4 {
  /** Content of the box at the end of a path; where other fields come before the boxes in it, `skip` says how many bytes. */
  const find = (path: readonly (readonly [type: string, skip?: number])[]): Buffer => {
    let content = file;
    for (const [type, skip = 0] of path) {
      let at = 0;
      while (content.toString('latin1', at + 4, at + 8) !== type) at += content.readUInt32BE(at);
      content = content.subarray(at + 8 + skip, at + content.readUInt32BE(at));
    }
    return content;
  };
  const media = [['moov'], ['trak'], ['mdia'], ['minf'], ['stbl']] as const;
  const [bytes, count] = [find([...media, ['stsz']]).readUInt32BE(4), find([...media, ['stsz']]).readUInt32BE(8)];
  const offset = find([...media, ['stco']]).readUInt32BE(8);
  expect(offset + bytes * count).toBe(file.length);
  const edit = find([['moov'], ['trak'], ['edts'], ['elst']]);
  const start = Number(edit.readBigUInt64BE(16));
  const opus = find([...media, ['stsd', 8], ['Opus', 28], ['dOps']]);
  expect(opus.readUInt16BE(2)).toBe(start);
  return {
    channels: opus.readUInt8(1),
    packets: Array.from({ length: count }, (_, at) => file.subarray(offset + at * bytes, offset + (at + 1) * bytes)),
    played: [start, start + Number(edit.readBigUInt64BE(8))],
  };
}

/** Every sample that a player would give, by channel, at 48 kHz. */
async function decoded(file: Buffer): Promise<Float32Array[]> {
  const { channels, packets, played } = parsed(file);
  const decoder = new OpusDecoder({ channels });
  await decoder.ready;
  const pieces = packets.map((packet) => decoder.decodeFrame(packet).channelData.map((samples) => [...samples]));
  decoder.free();
  return Array.from({ length: channels }, (_, channel) =>
    Float32Array.from(pieces.flatMap((piece) => piece[channel] ?? [])).subarray(...played),
  );
}

describe('a compressed recording', () => {
  it.each([
    { rate: 8_000, encoding: 'PCM_S16LE' },
    { rate: 16_000, encoding: 'PCM_S16LE' },
    { rate: 44_100, encoding: 'PCM_S16LE' },
    { rate: 48_000, encoding: 'PCM_S16LE' },
  ])(
    'of audio at $rate Hz has every sound within 20 ms of its time, and its length to the sample',
    async ({ rate, encoding }) => {
      const seconds = 5;
      const audio = { encoding, sampleRate: rate, channels: 1 };
      const id = await recorded(audio, bytesOf(beats(seconds, rate)));
      const { response, body } = await fetched(await linkOf(id));
      expect(response.headers.get('content-type')).toBe('audio/mp4; codecs=opus');
      // A tenth of what the samples take at 16 kHz.
      expect(body.length).toBeLessThan(seconds * 3_100 + 1_000);
      const [samples = new Float32Array()] = await decoded(body);
      expect(samples.length).toBe(seconds * OPUS_RATE);
      for (let second = 0; second < seconds; second += 1) {
        // The middle of each beat, by its energy.
        const from = Math.max(0, (second - 0.1) * OPUS_RATE);
        const around = samples.subarray(from, (second + 0.2) * OPUS_RATE);
        const energy = around.reduce((sum, value) => sum + value ** 2, 0);
        const middle = around.reduce((sum, value, index) => sum + value ** 2 * (from + index), 0) / energy / OPUS_RATE;
        expect(Math.abs(middle - (second + 0.015))).toBeLessThan(0.005);
      }
    },
  );

  it('says the same as the audio that it was made of, on both channels, and where something was lost', async () => {
    const left = synthesiseToneSpeech(
      [{ silenceMs: 1_000 }, 'alpha', 'bravo', { silenceMs: 4_000 }, 'charlie'],
      16_000,
    );
    const right = synthesiseToneSpeech([{ silenceMs: 3_000 }, 'delta'], 16_000);
    const both = new Int16Array(2 * Math.max(left.length, right.length));
    for (let frame = 0; frame < both.length / 2; frame += 1) {
      both[2 * frame] = left[frame] ?? 0;
      both[2 * frame + 1] = right[frame] ?? 0;
    }
    const id = await startSession(server.client, { audio: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 } });
    await sendChunks(server.client, id, [bytesOf(both)]);
    await server.client.data(SKIP, { input: { sessionId: id, sequence: 1, durationMs: 700 } });
    await sendChunks(server.client, id, [bytesOf(both)], 2);
    await endSession(server.client, id);

    const { body } = await fetched(await linkOf(id));
    const [first = new Float32Array(), second = new Float32Array()] = await decoded(body);
    const interleaved = new Float32Array(2 * first.length);
    for (let frame = 0; frame < first.length; frame += 1) {
      interleaved[2 * frame] = first[frame] ?? 0;
      interleaved[2 * frame + 1] = second[frame] ?? 0;
    }
    const bytes = Buffer.from(interleaved.buffer);
    const again = await recorded({ encoding: 'PCM_F32LE', sampleRate: OPUS_RATE, channels: 2 }, bytes);
    const [expected, heard] = [await heardIn(id), await heardIn(again)];
    expect(expected.map(({ text }) => text).join(' ')).toContain('charlie');
    expect(heard.map(({ text, channel }) => [text, channel])).toEqual(
      expected.map(({ text, channel }) => [text, channel]),
    );
    for (const [index, { startMs }] of expected.entries()) {
      // The detector looks at frames of 32 ms.
      expect(Math.abs((heard[index]?.startMs ?? 0) - startMs)).toBeLessThanOrEqual(32);
    }
  });

  it.each([16_000, 22_050])('has the same bytes in parts as it has whole, at %d Hz', async (rate) => {
    const samples = synthesiseToneSpeech(['alpha', { silenceMs: 2_000 }, 'bravo', 'charlie', { silenceMs: 500 }], rate);
    const id = await recorded({ encoding: 'PCM_S16LE', sampleRate: rate, channels: 1 }, bytesOf(samples));
    const link = await linkOf(id);
    const { body } = await fetched(link);
    expect(Number((await rawRequest(link, { method: 'HEAD' })).headers['content-length'])).toBe(body.length);
    // Backwards, as a listener who looks for something, and across pages.
    for (const [start, end] of [
      [body.length - 10, body.length - 1],
      [9_000, 9_001],
      [3_000, 9_500],
      [20, 300],
    ] as const) {
      const part = await fetched(link, `bytes=${start}-${end}`);
      expect(part.response.status).toBe(206);
      expect(part.response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${body.length}`);
      expect(part.body.equals(body.subarray(start, end + 1))).toBe(true);
    }
  });

  it('of a session that is running, or that has nothing yet, is a whole file of what there is', async () => {
    const id = await startSession(server.client, {});
    expect((await decoded((await fetched(await linkOf(id))).body))[0]).toHaveLength(0);
    await sendChunks(server.client, id, [bytesOf(beats(1, 16_000).subarray(0, 8_001))]);
    expect((await decoded((await fetched(await linkOf(id))).body))[0]).toHaveLength(8_001 * 3);
  });
});
