import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AudioLog } from '../../src/log/audio-log.ts';
import type { AudioLogItem } from '../../src/log/audio-log-reader.ts';
import { createScriptedEngine } from '../../src/recognition/scripted/scripted-engine.ts';
import { readPackets } from '../../src/services/packet-reader.ts';
import { piecesOf, TONE_SENTENCES, toneContainers, type ContainerFixture } from '../support/containers.ts';
import { openSession, RecordingListener } from '../support/recognition.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'verbatim-packets-'));
});
afterEach(() => rm(folder, { recursive: true }));

const TONES = toneContainers();

async function write(file: string, { format }: ContainerFixture, chunks: readonly Uint8Array[]): Promise<AudioLog> {
  const log = await AudioLog.create(file, { sessionId: 'session', format, createdAt: new Date(0) });
  for (const [sequence, chunk] of chunks.entries()) await log.appendChunk(sequence, chunk);
  return log;
}

async function readAll(log: AudioLog, { format }: ContainerFixture, fromFrame = 0): Promise<AudioLogItem[]> {
  const reader = readPackets(log, format, fromFrame);
  const items: AudioLogItem[] = [];
  for (let item = await reader.next(); item !== null; item = await reader.next()) items.push(item);
  return items;
}

async function textsHeard(items: readonly AudioLogItem[], { format }: ContainerFixture): Promise<string[]> {
  const listener = new RecordingListener();
  const stream = openSession({ engine: createScriptedEngine({ faults: false }), format, listener });
  for (const item of items) {
    if (item.kind === 'chunk') stream.writeAudio(item.startFrame, item.bytes);
    else if (item.kind !== 'end') stream.writeGap(item.startFrame, item.frames);
  }
  stream.end();
  return (await listener.untilEnded()).texts;
}

function expectNoHoles(items: readonly AudioLogItem[], receivedFrames: number): void {
  let frame = items[0]?.startFrame ?? 0;
  for (const item of items) {
    expect(item.startFrame).toBe(frame);
    if (item.kind !== 'end') frame += item.frames;
  }
  expect(frame).toBe(receivedFrames);
}

describe('the packets of a session', () => {
  it.each(TONES)(
    '$name: a damaged record is told as damage, and the packets behind it are at their places',
    async (fixture) => {
      const file = path.join(folder, 'audio.log');
      const chunks = piecesOf(fixture.bytes, () => Math.ceil(fixture.bytes.length / 40));
      const log = await write(file, fixture, chunks);
      const { receivedFrames } = log;
      await log.close();
      const bytes = await readFile(file);
      const at = bytes.indexOf(chunks[20] ?? '');
      bytes.writeUInt8(bytes.readUInt8(at + 100) ^ 0xff, at + 100);
      await writeFile(file, bytes);

      const damaged = await AudioLog.open(file);
      expect(damaged.receivedFrames).toBe(receivedFrames);
      const items = await readAll(damaged, fixture);
      await damaged.close();
      expectNoHoles(items, receivedFrames);
      const lost = items.reduce((sum, item) => sum + (item.kind === 'damaged' ? item.frames : 0), 0);
      // One of 40 pieces, and what it had of packets before and behind it.
      expect(lost / receivedFrames).toBeGreaterThan(0.01);
      expect(lost / receivedFrames).toBeLessThan(0.12);
      const texts = await textsHeard(items, fixture);
      expect(texts.slice(0, 5)).toEqual(TONE_SENTENCES.slice(0, 5));
      expect(texts.slice(-2)).toEqual(TONE_SENTENCES.slice(-2));
    },
  );

  it.each(TONES)('$name: read from the middle, they are those that are read from the beginning', async (fixture) => {
    const file = path.join(folder, 'audio.log');
    const log = await write(
      file,
      fixture,
      piecesOf(fixture.bytes, () => Math.ceil(fixture.bytes.length / 400)),
    );
    const all = await readAll(log, fixture);
    expectNoHoles(all, log.receivedFrames);
    const { receivedFrames } = log;
    await log.close();
    // Its places are found again when it is opened.
    const opened = await AudioLog.open(file);
    expect(opened.receivedFrames).toBe(receivedFrames);
    const middle = await readAll(opened, fixture, receivedFrames);
    await opened.close();
    const first = middle[0]?.startFrame ?? 0;
    expect(first).toBeGreaterThanOrEqual(0);
    const tail = all.filter(({ startFrame }) => startFrame >= first);
    expect(middle.length).toBe(tail.length);
    for (const [index, item] of middle.entries()) {
      const other = tail[index];
      const isSame = item.kind === 'chunk' && other?.kind === 'chunk' && Buffer.from(item.bytes).equals(other.bytes);
      expect(isSame && item.startFrame === other.startFrame).toBe(true);
    }
  });

  it('of an hour are as long as an hour, though the times of WebM are rounded to milliseconds', async () => {
    const fixture = TONES.find(({ name }) => name === 'WebM');
    if (fixture === undefined) throw new Error('there is no WebM among the fixtures');
    const first = fixture.bytes.indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75));
    const hour = Buffer.concat([fixture.bytes.subarray(0, first), ...clustersOf(3_600)]);
    const log = await write(
      path.join(folder, 'audio.log'),
      fixture,
      piecesOf(hour, () => 50_000),
    );
    // What the encoder put before it is dropped: 312 samples.
    expect(log.receivedFrames).toBe(3_600 * 48_000 - 312);
    await log.close();
  });
});

/** Clusters of a second, of blocks of 20 ms, each with its time rounded. */
function clustersOf(seconds: number): Buffer[] {
  const packet = Buffer.of(0x08, 0, 0, 0);
  return Array.from({ length: seconds }, (_, second) => {
    const time = Buffer.alloc(4);
    time.writeUInt32BE(second * 1_000);
    const blocks = Array.from({ length: 50 }, (__, block) => {
      const relative = Buffer.alloc(2);
      relative.writeInt16BE(block * 20 + (block % 3) - 1);
      return Buffer.concat([Buffer.of(0xa3, 0x88, 0x81), relative, Buffer.of(0x80), packet]);
    });
    const body = Buffer.concat([Buffer.of(0xe7, 0x84), time, ...blocks]);
    return Buffer.concat([Buffer.of(0x1f, 0x43, 0xb6, 0x75, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), body]);
  });
}
