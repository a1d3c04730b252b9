import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDemuxer } from '../../src/audio/containers/create-demuxer.ts';
import { framesToMs } from '../../src/audio/format.ts';
import type { AudioSource } from '../../src/cli/audio-source.ts';
import { openAudio } from '../../src/cli/open-audio.ts';
import { stereoContainers, toneContainers, toneWav } from '../support/containers.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'verbatim-cli-open-audio-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function stored(bytes: Uint8Array): Promise<string> {
  // Its name says nothing of what is in it.
  const file = path.join(directory, 'recording.bin');
  await writeFile(file, bytes);
  return file;
}

function allChunks(audio: AudioSource): Promise<Uint8Array[]> {
  return Promise.all(Array.from({ length: audio.chunkCount }, (_, sequence) => audio.chunk(sequence)));
}

const CONTAINERS = toneContainers().filter(({ name }) => name !== 'WAV');

/** An ID3v2 tag: its size stands in four bytes of seven bits. */
function tag(size: number): Buffer {
  const head = [...Buffer.from('ID3'), 4, 0, 0, 0, (size >> 14) & 127, (size >> 7) & 127, size & 127];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(size, 0xff)]);
}

describe('an audio file that is a container', () => {
  it.each(CONTAINERS)('of $name is sent as it is, in pieces that tell the time of what is in them', async (fixture) => {
    const audio = await openAudio(await stored(fixture.bytes), 'mix');
    expect(audio).toMatchObject({ format: fixture.format, channels: 1, isCutOff: false });
    const whole = createDemuxer(fixture.format).take(fixture.bytes);
    expect(audio.durationMs).toBe(framesToMs(whole.frames, fixture.format.sampleRate));
    let demuxer = createDemuxer(fixture.format);
    let frames = 0;
    const chunks = await allChunks(audio);
    for (const [sequence, chunk] of chunks.entries()) {
      const taken = demuxer.take(chunk);
      frames += taken.frames;
      demuxer = taken.next;
      expect(audio.startMs(sequence + 1)).toBe(framesToMs(frames, fixture.format.sampleRate));
    }
    expect(frames).toBe(whole.frames);
    expect(fixture.bytes.subarray(0, Buffer.concat(chunks).length).equals(Buffer.concat(chunks))).toBe(true);
    await audio.close();
  });

  it.each(stereoContainers())('of $name in stereo is mixed down by the server, or kept apart', async (fixture) => {
    const file = await stored(fixture.bytes);
    const mixed = await openAudio(file, 'mix');
    expect(mixed).toMatchObject({ format: { ...fixture.format, channels: 1 }, channels: 2 });
    await mixed.close();
    const separate = await openAudio(file, 'separate');
    expect(separate).toMatchObject({ format: fixture.format, channels: 2 });
    await separate.close();
  });

  it.each(CONTAINERS)('of $name that was cut off says so, and has the audio up to there', async ({ bytes }) => {
    const audio = await openAudio(await stored(bytes.subarray(0, bytes.length / 3 + 5)), 'mix');
    expect(audio.isCutOff).toBe(true);
    expect(audio.durationMs).toBeGreaterThan(500);
    expect(audio.durationMs).toBeLessThan(20_000);
    await audio.close();
  });

  it('of WAV that was cut off says so, too', async () => {
    const wav = toneWav();
    const whole = await openAudio(await stored(wav), 'mix');
    expect(whole.isCutOff).toBe(false);
    await whole.close();
    const audio = await openAudio(await stored(wav.subarray(0, 100_000)), 'mix');
    expect(audio.isCutOff).toBe(true);
    expect(await allChunks(audio).then((chunks) => Buffer.concat(chunks).length)).toBe(100_000 - 44);
    await audio.close();
  });

  it('of MP3 may begin with tags of any size', async () => {
    const mp3 = CONTAINERS.find(({ name }) => name === 'MP3')?.bytes ?? Buffer.alloc(0);
    const plain = await openAudio(await stored(mp3), 'mix');
    await plain.close();
    const tagged = await openAudio(await stored(Buffer.concat([tag(300_000), tag(5), mp3])), 'mix');
    expect(tagged).toMatchObject({ format: plain.format, durationMs: plain.durationMs });
    await tagged.close();
  });

  it.each(CONTAINERS)(
    'of $name that is damaged is refused before anything is sent, with the place',
    async (fixture) => {
      const damaged = Buffer.from(fixture.bytes);
      damaged.fill(0x01, damaged.length >> 1, (damaged.length >> 1) + 5_000);
      await expect(openAudio(await stored(damaged), 'mix')).rejects.toThrow(
        /recording\.bin: .+, behind 0:(0\d|1\d|2\d); convert it, for example: ffmpeg/u,
      );
    },
  );

  it.each<[string, () => Uint8Array, RegExp]>([
    ['with nothing but a header', () => bytesOf('WebM').subarray(0, 200), /has no audio in it/u],
    ['that only begins like one', () => Buffer.concat([Buffer.from('OggS'), Buffer.alloc(500, 9)]), /Ogg page/u],
    ['with another codec in it', vorbis, /has no Opus in it/u],
    ['of a rate that is not taken', fastFlac, /96000 Hz is outside 8000 to 48000 Hz; convert it/u],
  ])('%s is refused with the reason', async (_what, bytes, reason) => {
    await expect(openAudio(await stored(bytes()), 'mix')).rejects.toThrow(reason);
  });
});

function bytesOf(name: string): Buffer {
  return CONTAINERS.find((candidate) => candidate.name === name)?.bytes ?? Buffer.alloc(0);
}

function vorbis(): Uint8Array {
  const bytes = Buffer.from(bytesOf('WebM'));
  bytes.write('A_VORB', bytes.indexOf('A_OPUS'));
  return bytes;
}

function fastFlac(): Uint8Array {
  const bytes = Buffer.from(bytesOf('FLAC'));
  // Twenty bits of the rate, in front of the channels (RFC 9639, section 8.2).
  bytes.writeUInt32BE(((96_000 << 12) | (bytes.readUInt32BE(18) & 0xfff)) >>> 0, 18);
  return bytes;
}
