import { openOpusEncoder } from '../../audio/encoding/opus-encoder.ts';
import type { RecordedFormat } from '../../audio/encoding/opus-file.ts';
import { OPUS_PACKETS_PER_SECOND, opusRateOf } from '../../audio/encoding/opus-format.ts';
import { createResamplerTable, type ResamplerTable } from '../../audio/resampler-table.ts';
import { firstFrameNeeded, Resampler } from '../../audio/resampler.ts';
import { OverlappingReader } from './overlapping-reader.ts';

const BYTES_PER_SAMPLE = 2;
const MAX_INT16 = 32_767;
const MIN_INT16 = -32_768;
/** 200 ms, for the encoder to be where it would be had it heard all before. */
const PRE_ROLL_PACKETS = 10;

/**
 * A recording as packets of Opus. Encoders remember what they heard; so each second is encoded by one that has heard nothing but
 * the fifth of a second before it, and has the same bytes whatever was asked for before.
 */
export class OpusPackets {
  readonly #format: RecordedFormat;
  readonly #rate: number;
  readonly #source: OverlappingReader;
  /** `null`: the encoder takes the recording's own rate. */
  readonly #table: ResamplerTable | null;

  /** @param read gives 16-bit samples, the channels interleaved, and silence beyond the end */
  constructor(format: RecordedFormat, read: (fromFrame: number, frames: number) => Promise<Buffer>) {
    this.#format = format;
    this.#rate = opusRateOf(format.sampleRate);
    this.#table = this.#rate === format.sampleRate ? null : createResamplerTable(format.sampleRate);
    this.#source = new OverlappingReader(read, format.channels * BYTES_PER_SAMPLE);
  }

  /** The packets of a second, counted from 0, one behind the other. One call at a time; cheapest for the one that follows. */
  async second(index: number): Promise<Buffer> {
    const { channels } = this.#format;
    const packetSamples = this.#rate / OPUS_PACKETS_PER_SECOND;
    const first = index * OPUS_PACKETS_PER_SECOND;
    const preRoll = Math.min(PRE_ROLL_PACKETS, first);
    const count = preRoll + OPUS_PACKETS_PER_SECOND;
    const samples = await this.#samples((first - preRoll) * packetSamples, count * packetSamples);
    const encoder = openOpusEncoder(this.#rate, channels);
    try {
      const packets = Array.from({ length: count }, (_, packet) =>
        encoder.encode(samples.subarray(packet * packetSamples * channels, (packet + 1) * packetSamples * channels)),
      );
      return Buffer.concat(packets.slice(preRoll));
    } finally {
      encoder.free();
    }
  }

  /** At the encoder's rate, the channels interleaved. */
  async #samples(from: number, count: number): Promise<Int16Array> {
    const table = this.#table;
    if (table === null) return toSamples(await this.#source.read(from, count));
    const { channels } = this.#format;
    const fromFrame = Math.max(0, firstFrameNeeded(table, from));
    const toFrame = Math.ceil(((from + count) * table.downFactor) / table.upFactor) + table.framesAfter;
    const source = toSamples(await this.#source.read(fromFrame, toFrame - fromFrame));
    const target = new Int16Array(count * channels);
    for (let channel = 0; channel < channels; channel++) {
      const input = source.filter((_, index) => index % channels === channel);
      const resampler = new Resampler(table, { spanStartFrame: 0, resumeSample: from, resumeFrame: fromFrame });
      for (const [frame, value] of resampler.write(Float32Array.from(input)).subarray(0, count).entries()) {
        // The filter goes beyond the range at steep edges.
        target[frame * channels + channel] = Math.max(MIN_INT16, Math.min(MAX_INT16, Math.round(value)));
      }
    }
    return target;
  }
}

function toSamples(bytes: Buffer): Int16Array {
  return Int16Array.from({ length: bytes.length / BYTES_PER_SAMPLE }, (_, index) =>
    bytes.readInt16LE(index * BYTES_PER_SAMPLE),
  );
}
