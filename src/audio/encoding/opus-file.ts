import { box, boxHeader, fullBox, text, uint16, uint32, uint64, uint8 } from './mp4-boxes.ts';
import { OPUS_LOOKAHEAD, OPUS_PACKETS_PER_SECOND, opusPacketBytes, opusRateOf } from './opus-format.ts';

/** Of Opus: all times of the file are in samples of this rate. */
const OPUS_RATE = 48_000;
const PACKET_SAMPLES = OPUS_RATE / OPUS_PACKETS_PER_SECOND;
/** Packets that a player decodes before those that it jumps to: 80 ms (RFC 7845, section 4.6). */
const PRE_ROLL_PACKETS = 4;
const TRACK = 1;
const ENABLED_IN_MOVIE = 3;
const DATA_IN_THIS_FILE = 1;
const UNITY_MATRIX = uint32(0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000);
const FULL_VOLUME = 0x100;
const NORMAL_SPEED = 0x1_0000;
const LANGUAGE_UNDETERMINED = 0x55c4;

/** Of a recording as it was sent. */
export interface RecordedFormat {
  /** Hz. */
  readonly sampleRate: number;
  readonly channels: number;
}

/**
 * How a recording of a known length is laid out as MP4 (ISO/IEC 14496-12) with Opus in it (Encapsulation of Opus in ISO Base Media
 * File Format, version 0.8.1). All packets have one length, so the tables that say where they are have one entry each, players
 * jump without looking for anything, and any part can be made without what is before it.
 */
export class OpusFile {
  /** Everything before the packets. */
  readonly header: Buffer;
  readonly packets: number;
  /** Of each packet, in bytes. */
  readonly packetBytes: number;
  /** Of the file, in bytes. */
  readonly length: number;

  /** @param frames of the recording, at its own rate */
  constructor(format: RecordedFormat, frames: number) {
    const rate = opusRateOf(format.sampleRate);
    const samples = Math.floor((frames * rate) / format.sampleRate) * (OPUS_RATE / rate);
    this.packets = Math.ceil((samples + OPUS_LOOKAHEAD) / PACKET_SAMPLES);
    this.packetBytes = opusPacketBytes(format.channels);
    const dataBytes = this.packets * this.packetBytes;
    const type = box('ftyp', text('isom'), uint32(0x200), text('isomiso2mp41'));
    // An offset has the same length whatever it is.
    const { length } = this.#movie(format, samples, 0);
    const data = boxHeader('mdat', dataBytes);
    const offset = type.length + length + data.length;
    this.header = Buffer.concat([type, this.#movie(format, samples, offset), data]);
    this.length = this.header.length + dataBytes;
  }

  /** @param samples of the recording at 48 kHz @param offset of the first packet in the file, in bytes */
  #movie(format: RecordedFormat, samples: number, offset: number): Buffer {
    return box(
      'moov',
      fullBox(
        'mvhd',
        1,
        0,
        uint64(0, 0),
        uint32(OPUS_RATE),
        uint64(samples),
        uint32(NORMAL_SPEED),
        uint16(FULL_VOLUME, 0),
        uint32(0, 0),
        UNITY_MATRIX,
        uint32(0, 0, 0, 0, 0, 0),
        uint32(TRACK + 1),
      ),
      box(
        'trak',
        fullBox(
          'tkhd',
          1,
          ENABLED_IN_MOVIE,
          uint64(0, 0),
          uint32(TRACK, 0),
          uint64(samples),
          uint32(0, 0),
          uint16(0, 0, FULL_VOLUME, 0),
          UNITY_MATRIX,
          uint32(0, 0),
        ),
        // What the encoder puts before the first sample, and what the last packet has beyond the end, is not played.
        box('edts', fullBox('elst', 1, 0, uint32(1), uint64(samples, OPUS_LOOKAHEAD), uint16(1, 0))),
        box(
          'mdia',
          fullBox(
            'mdhd',
            1,
            0,
            uint64(0, 0),
            uint32(OPUS_RATE),
            uint64(this.packets * PACKET_SAMPLES),
            uint16(LANGUAGE_UNDETERMINED, 0),
          ),
          fullBox('hdlr', 0, 0, uint32(0), text('soun'), uint32(0, 0, 0), text('\0')),
          box(
            'minf',
            fullBox('smhd', 0, 0, uint16(0, 0)),
            box('dinf', fullBox('dref', 0, 0, uint32(1), fullBox('url ', 0, DATA_IN_THIS_FILE))),
            this.#table(format, offset),
          ),
        ),
      ),
    );
  }

  /** Where each packet is, and how long it lasts: all are alike, in one chunk. */
  #table({ sampleRate, channels }: RecordedFormat, offset: number): Buffer {
    const { packets, packetBytes } = this;
    const specific = box('dOps', uint8(0, channels), uint16(OPUS_LOOKAHEAD), uint32(sampleRate), uint16(0), uint8(0));
    const entry = box(
      'Opus',
      uint16(0, 0, 0, 1),
      uint32(0, 0),
      uint16(channels, 16),
      uint32(0, OPUS_RATE * 0x1_0000),
      specific,
    );
    return box(
      'stbl',
      fullBox('stsd', 0, 0, uint32(1), entry),
      fullBox('stts', 0, 0, uint32(1, packets, PACKET_SAMPLES)),
      fullBox('stsc', 0, 0, uint32(1, 1, packets, 1)),
      fullBox('stsz', 0, 0, uint32(packetBytes, packets)),
      fullBox('stco', 0, 0, uint32(1, offset)),
      fullBox('sgpd', 1, 0, text('roll'), uint32(2, 1), uint16(-PRE_ROLL_PACKETS)),
      fullBox('sbgp', 0, 0, text('roll'), uint32(1, packets, 1)),
    );
  }
}
