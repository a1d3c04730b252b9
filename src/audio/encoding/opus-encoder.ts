import { Encoder } from '@evan/opus/wasm/index.mjs';
import { OPUS_BITS_PER_SECOND } from './opus-format.ts';

// Requests of `opus_encoder_ctl`, from opus_defines.h of libopus 1.3.
const SET_BITRATE = 4_002;
const SET_VBR = 4_006;
const SET_COMPLEXITY = 4_010;
const SET_SIGNAL = 4_024;
const SIGNAL_VOICE = 3_001;

/** Of 0 to 10. At this bitrate more takes up to six times as long, and comes no closer to speech than in the third decimal. */
const COMPLEXITY = 1;

export interface OpusEncoder {
  /**
   * @param samples 20 ms, the channels interleaved
   * @returns a packet of `opusPacketBytes`
   */
  encode(samples: Int16Array): Uint8Array;
  free(): void;
}

/** A libopus encoder with a constant bitrate. @param rate one that `opusRateOf` gives, in Hz */
export function openOpusEncoder(rate: number, channels: number): OpusEncoder {
  const encoder = new Encoder({ channels, sample_rate: rate, application: 'voip' });
  encoder.ctl(SET_VBR, 0);
  encoder.ctl(SET_BITRATE, OPUS_BITS_PER_SECOND * channels);
  encoder.ctl(SET_SIGNAL, SIGNAL_VOICE);
  encoder.ctl(SET_COMPLEXITY, COMPLEXITY);
  return { encode: (samples) => encoder.encode(samples), free: () => encoder.drop() };
}
