/** Samples per second that libopus takes as they are. */
const OPUS_RATES: readonly number[] = [8_000, 12_000, 16_000, 24_000, 48_000];
/** What other rates are brought to. */
const SPEECH_RATE = 16_000;

/** For each channel: good for speech, and some 11 MB an hour. */
export const OPUS_BITS_PER_SECOND = 24_000;
/** Packets in a second: each has 20 ms. */
export const OPUS_PACKETS_PER_SECOND = 50;
/** What comes out of the encoder is late by so many samples of 48 kHz: 6.5 ms, whatever the rate. */
export const OPUS_LOOKAHEAD = 312;

/** Samples per second in which an encoder wants audio that has `sampleRate`. */
export function opusRateOf(sampleRate: number): number {
  return OPUS_RATES.includes(sampleRate) ? sampleRate : SPEECH_RATE;
}

/** Of each packet, at a constant bitrate. */
export function opusPacketBytes(channels: number): number {
  return (OPUS_BITS_PER_SECOND * channels) / OPUS_PACKETS_PER_SECOND / 8;
}
