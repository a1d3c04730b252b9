/** There are not as many bits as are asked for. */
export class OutOfBitsError extends Error {
  override readonly name = 'OutOfBitsError';
}

/** Reads bits, the most significant first. */
export class BitReader {
  readonly #bytes: Uint8Array;
  /** In bits. */
  #at: number;
  readonly #end: number;

  /** @param at in bytes */
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at * 8;
    this.#end = bytes.length * 8;
  }

  /** Behind the last bit that was read, in whole bytes. */
  get byteEnd(): number {
    return Math.ceil(this.#at / 8);
  }

  /** @param count 0 to 24 @throws OutOfBitsError */
  read(count: number): number {
    if (count === 0) return 0;
    const at = this.#at;
    this.skip(count);
    return (this.#window(at) << (at & 7)) >>> (32 - count);
  }

  /** @throws OutOfBitsError */
  skip(count: number): void {
    this.#at += count;
    if (this.#at > this.#end) throw new OutOfBitsError();
  }

  /** Passes zeros up to a one, and the one. @returns how many zeros @throws OutOfBitsError */
  readUnary(): number {
    let zeros = 0;
    for (;;) {
      const shifted = (this.#window(this.#at) << (this.#at & 7)) >>> 0;
      // The window has 25 bits that are there for sure.
      const leading = Math.clz32(shifted);
      if (leading < 25) {
        this.skip(leading + 1);
        return zeros + leading;
      }
      this.skip(25);
      zeros += 25;
    }
  }

  /** The 32 bits from the byte that the bit lies in; beyond the end there are zeros. */
  #window(bit: number): number {
    const byte = bit >> 3;
    const bytes = this.#bytes;
    return (
      ((bytes[byte] ?? 0) << 24) |
      ((bytes[byte + 1] ?? 0) << 16) |
      ((bytes[byte + 2] ?? 0) << 8) |
      (bytes[byte + 3] ?? 0)
    );
  }
}
