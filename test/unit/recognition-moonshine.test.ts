import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wordErrors } from '../../bench/word-error-rate.ts';
import { parseWavHeader } from '../../src/audio/wav.ts';
import { bytesPerFrame, type AudioFormat } from '../../src/audio/format.ts';
import { createRecogniser } from '../../src/recognition/create-recogniser.ts';
import { RecordingListener } from '../support/recognition.ts';
import { until } from '../support/wait.ts';

const RIVER = 'the weather was beautiful this morning so we walked along the river';

/** A recording of test/fixtures, followed by a second of silence. */
function recording(name: string): { format: AudioFormat; bytes: Uint8Array } {
  const file = readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
  const header = parseWavHeader(file, file.length);
  if (header === null) throw new Error(`${name} holds no audio`);
  const audio = file.subarray(header.dataOffset, header.dataOffset + (header.dataLength ?? 0));
  const silence = Buffer.alloc(header.format.sampleRate * bytesPerFrame(header.format));
  return { format: header.format, bytes: Buffer.concat([audio, silence]) };
}

describe('live speech through a recogniser process', () => {
  const pool = createRecogniser({
    model: 'tiny',
    processes: 1,
    interimIntervalMs: 500,
    endSilenceMs: 512,
    logger: { info: () => {}, warn: () => {}, error: () => {} },
  });

  beforeAll(() => pool.start());
  afterAll(() => pool.stop());

  it('is shown as interims while it is spoken, and then once as a final with the right words', async () => {
    const { format, bytes } = recording('river.wav');
    const listener = new RecordingListener();
    const stream = pool.openStream({ sessionId: 'session', format, language: 'en', resume: null }, listener);
    const frameBytes = bytesPerFrame(format);
    // Whoever speaks goes on after the first words are shown.
    const middle = Math.floor(bytes.length / frameBytes / 2);
    stream.writeAudio(0, bytes.subarray(0, middle * frameBytes));
    await until(() => listener.interims[0], { what: 'the first interim' });
    stream.writeAudio(middle, bytes.subarray(middle * frameBytes));
    stream.end();
    await listener.untilEnded();

    const finals = listener.decisions.flatMap((decision) => (decision.kind === 'final' ? [decision.transcript] : []));
    expect(wordErrors(RIVER, finals.map((final) => final.text).join(' '))).toEqual({
      words: 12,
      substitutions: 0,
      deletions: 0,
      insertions: 0,
    });
    expect(new Set(finals.map((final) => final.startSample)).size).toBe(finals.length);
    const shown = listener.interims.filter((interim) => interim.startSample === finals[0]?.startSample);
    expect(shown.length).toBeGreaterThan(0);
    for (const interim of shown) expect(interim.revision).toBeLessThan(finals[0]?.revision ?? 0);
    for (const { confidence, words, startSample, endSample } of finals) {
      const times = words.flatMap((word) => [word.startSample ?? NaN, word.endSample ?? NaN]);
      expect([startSample, ...times, endSample]).toEqual([startSample, ...times, endSample].toSorted((a, b) => a - b));
      expect(confidence).toBeGreaterThan(0.5);
      expect(confidence).toBeLessThanOrEqual(1);
    }
  });
});
