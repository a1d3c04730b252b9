import { readFile } from 'node:fs/promises';
import { decodeSamples } from '../../src/audio/decode.ts';
import { parseWavHeader } from '../../src/audio/wav.ts';
import { MoonshineDecoder } from '../../src/recognition/moonshine/decoder.ts';
import { toHypothesis } from '../../src/recognition/moonshine/hypothesis.ts';
import type { MoonshineSize } from '../../src/recognition/moonshine/model-files.ts';
import { wordTimes } from '../../src/recognition/moonshine/word-times.ts';
import { TIMELINE_RATE } from '../../src/recognition/recogniser.ts';

/** As long as many utterances are. */
const PIECE_SAMPLES = 9 * TIMELINE_RATE;
const ROUNDS = 5;

export interface TimingCost {
  /** CPU time, ms, of decodes that give the words alone. */
  readonly withoutMs: number;
  /** Of the same decodes with the attention, and of finding the words' times. */
  readonly withMs: number;
}

/**
 * What word times cost, in this process: the same audio with and without, in turns, so that what else the machine does falls
 * upon both.
 *
 * @param wavFile mono, 16 kHz.
 */
export async function measureTimingCost(
  size: MoonshineSize,
  wavFile: string,
  signal: AbortSignal,
): Promise<TimingCost> {
  const decoder = await MoonshineDecoder.load(size);
  const pieces = await readPieces(wavFile);
  const cost = { withoutMs: 0, withMs: 0 };
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const piece of pieces) {
      signal.throwIfAborted();
      const withoutMs = await cpuMs(async () =>
        toHypothesis((await decoder.decode(piece, { attention: false })).tokens, {
          confidenceOf: Math.exp,
          timesOf: () => [],
        }),
      );
      const withMs = await cpuMs(async () => {
        const { tokens, attention } = await decoder.decode(piece, { attention: true });
        if (attention === null) throw new Error('a decode of the demo recording was cut off');
        return toHypothesis(tokens, { confidenceOf: Math.exp, timesOf: (words) => wordTimes(attention, words, piece) });
      });
      if (round === 0) continue;
      cost.withoutMs += withoutMs;
      cost.withMs += withMs;
    }
  }
  return cost;
}

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function readPieces(wavFile: string): Promise<Float32Array[]> {
  const content = await readFile(wavFile);
  const header = parseWavHeader(content, content.length);
  const [samples] = header === null ? [] : decodeSamples(header.format, content.subarray(header.dataOffset));
  if (header?.format.sampleRate !== TIMELINE_RATE || samples === undefined) throw new Error(`${wavFile} is not 16 kHz`);
  return Array.from({ length: Math.floor(samples.length / PIECE_SAMPLES) }, (_, i) =>
    samples.slice(i * PIECE_SAMPLES, (i + 1) * PIECE_SAMPLES),
  );
}
