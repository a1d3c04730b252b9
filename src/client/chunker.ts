/** Cuts a stream of bytes that comes in pieces of any size into chunks of one size. */
export class Chunker {
  readonly #frameBytes: number;
  readonly #chunk: Uint8Array;
  #filled = 0;

  /** @param frameBytes bytes of one frame @param framesPerChunk 1 at least */
  constructor(frameBytes: number, framesPerChunk: number) {
    this.#frameBytes = frameBytes;
    this.#chunk = new Uint8Array(frameBytes * framesPerChunk);
  }

  /** Bytes that wait for the rest of their chunk. */
  get pendingBytes(): number {
    return this.#filled;
  }

  /** The chunks that became full; they are copies, so the caller may use its buffer again. */
  write(bytes: Uint8Array): Uint8Array[] {
    const full: Uint8Array[] = [];
    for (let start = 0; start < bytes.length;) {
      const part = bytes.subarray(start, start + this.#chunk.length - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      start += part.length;
      if (this.#filled === this.#chunk.length) {
        full.push(this.#chunk.slice());
        this.#filled = 0;
      }
    }
    return full;
  }

  /** The whole frames that wait, or `null` when there is none; bytes of a frame that is not complete stay. */
  flush(): Uint8Array | null {
    const length = this.#filled - (this.#filled % this.#frameBytes);
    if (length === 0) return null;
    const flushed = this.#chunk.slice(0, length);
    this.#chunk.copyWithin(0, length, this.#filled);
    this.#filled -= length;
    return flushed;
  }
}
