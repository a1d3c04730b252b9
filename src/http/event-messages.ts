/** Of a frame with the longest length; RFC 6455, section 5.2. */
const MAX_FRAME_HEADER_BYTES = 10;
/** A whole message in one frame, of text. */
const FINAL_TEXT_FRAME = 0x81;
const TWO_BYTES_FOLLOW = 126;
const EIGHT_BYTES_FOLLOW = 127;

/** Closes the message behind the result. */
const MESSAGE_END = '}';

/** The result for an event with what follows it in a message: the same bytes for all who are told of it. */
export function encodeResult(json: string): Buffer {
  return Buffer.from(json + MESSAGE_END);
}

/**
 * The messages with the results of one subscription, as they go over a WebSocket, from a server: unmasked, and uncompressed.
 * What is sent to a thousand subscribers is then neither copied nor encoded a thousand times.
 */
export class EventMessages {
  readonly #bytes: Buffer;

  /** @param id that the client gave to the subscription */
  constructor(id: string) {
    const text = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
    this.#bytes = Buffer.concat([Buffer.alloc(MAX_FRAME_HEADER_BYTES), text]);
  }

  /**
   * What goes before a result on the wire. Good until it is called again, so the message before must have left.
   * @param resultBytes length of what `encodeResult` made
   */
  headOf(resultBytes: number): Buffer {
    const bytes = this.#bytes;
    const length = bytes.byteLength - MAX_FRAME_HEADER_BYTES + resultBytes;
    let start: number;
    if (length < TWO_BYTES_FOLLOW) {
      start = MAX_FRAME_HEADER_BYTES - 2;
      bytes[start + 1] = length;
    } else if (length <= 0xffff) {
      start = MAX_FRAME_HEADER_BYTES - 4;
      bytes[start + 1] = TWO_BYTES_FOLLOW;
      bytes.writeUInt16BE(length, start + 2);
    } else {
      start = 0;
      bytes[start + 1] = EIGHT_BYTES_FOLLOW;
      bytes.writeUIntBE(length, start + 4, 6);
    }
    bytes[start] = FINAL_TEXT_FRAME;
    return bytes.subarray(start);
  }
}
