import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SampleFormat } from '../../src/audio/format.ts';
import { wavHeader } from '../../src/audio/wav.ts';
import { AudioFile } from '../../src/cli/audio-file.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'verbatim-cli-audio-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function wavFile(name: string, format: SampleFormat, samples: Uint8Array): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, Buffer.concat([wavHeader(format, samples.length), samples]));
  return file;
}

function bytesOf(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

async function allChunks(audio: AudioFile): Promise<Uint8Array[]> {
  return Promise.all(Array.from({ length: audio.chunkCount }, (_, sequence) => audio.chunk(sequence)));
}

describe('an audio file', () => {
  it('is sent as it is, in chunks of 100 ms, the last one shorter', async () => {
    const samples = bytesOf(Int16Array.from({ length: 2050 }, (_, index) => index));
    const format: SampleFormat = { encoding: 'PCM_S16LE', sampleRate: 8000, channels: 1 };
    const audio = await AudioFile.open(await wavFile('mono.wav', format, samples));
    expect(audio.format).toEqual(format);
    expect(audio.durationMs).toBe(256);
    const chunks = await allChunks(audio);
    expect(chunks.map((chunk) => chunk.length)).toEqual([1600, 1600, 900]);
    expect(Buffer.concat(chunks).equals(samples)).toBe(true);
    await audio.close();
  });

  it('gives the same chunk again whenever it is asked', async () => {
    const samples = bytesOf(Int16Array.from({ length: 16_000 }, (_, index) => index));
    const format: SampleFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 };
    const audio = await AudioFile.open(await wavFile('again.wav', format, samples));
    const seventh = await audio.chunk(7);
    await allChunks(audio);
    expect(await audio.chunk(7)).toEqual(seventh);
    await audio.close();
  });

  it('has its channels mixed down to one', async () => {
    const interleaved = Int16Array.from([100, 300, -32_768, -32_768, 32_767, 32_767, 1000, -1000]);
    const format: SampleFormat = { encoding: 'PCM_S16LE', sampleRate: 44_100, channels: 2 };
    const audio = await AudioFile.open(await wavFile('stereo.wav', format, bytesOf(interleaved)));
    expect(audio.channels).toBe(2);
    expect(audio.format).toEqual({ encoding: 'PCM_S16LE', sampleRate: 44_100, channels: 1 });
    const chunk = Buffer.from(await audio.chunk(0));
    expect([0, 2, 4, 6].map((offset) => chunk.readInt16LE(offset))).toEqual([200, -32_768, 32_767, 0]);
    await audio.close();
  });

  it('has two channels as they are when they are to be kept apart, and more of them never', async () => {
    const samples = bytesOf(Int16Array.from({ length: 3000 }, (_, index) => index));
    const format: SampleFormat = { encoding: 'PCM_S16LE', sampleRate: 8000, channels: 2 };
    const audio = await AudioFile.open(await wavFile('apart.wav', format, samples), 'separate');
    expect(audio.format).toEqual(format);
    expect(Buffer.concat(await allChunks(audio)).equals(samples)).toBe(true);
    await audio.close();
    const surround = await wavFile('surround.wav', { ...format, channels: 6 }, samples);
    await expect(AudioFile.open(surround, 'separate')).rejects.toThrow(/has 6 channels.*--channels mix/u);
  });

  it('of telephone audio keeps its encoding', async () => {
    const format: SampleFormat = { encoding: 'MULAW', sampleRate: 8000, channels: 1 };
    const audio = await AudioFile.open(await wavFile('telephone.wav', format, new Uint8Array(801).fill(0xff)));
    expect(audio.format).toEqual(format);
    expect((await allChunks(audio)).map((chunk) => chunk.length)).toEqual([800, 1]);
    await audio.close();
  });

  it.each([
    ['a file that is not there', 'nowhere.wav', null, /there is no such file/u],
    ['a folder', '.', null, /not a file/u],
    ['another kind of file', 'notes.wav', Buffer.from('to be, or not to be, that is the question'), /not a WAV file/u],
    [
      'a file without a sample',
      'empty.wav',
      wavHeader({ encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 }, 0),
      /has no audio in it/u,
    ],
  ])('that cannot be sent is refused with the reason: %s', async (_what, name, content, reason) => {
    const file = path.join(directory, name);
    if (content !== null) await writeFile(file, content);
    await expect(AudioFile.open(file)).rejects.toThrow(reason);
  });
});
