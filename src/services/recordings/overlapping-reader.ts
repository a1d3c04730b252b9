/** Reads stretches that overlap, each beginning no earlier than the one before, without reading anything twice. */
export class OverlappingReader {
  readonly #read: (fromFrame: number, frames: number) => Promise<Buffer>;
  readonly #frameBytes: number;
  #kept = Buffer.alloc(0);
  #keptFrom = 0;

  constructor(read: (fromFrame: number, frames: number) => Promise<Buffer>, frameBytes: number) {
    this.#read = read;
    this.#frameBytes = frameBytes;
  }

  /** One call at a time. Where it begins elsewhere it is read anew. */
  async read(fromFrame: number, frames: number): Promise<Buffer> {
    const keptTo = this.#keptFrom + this.#kept.length / this.#frameBytes;
    const isKept = fromFrame >= this.#keptFrom && fromFrame < keptTo;
    const kept = isKept ? this.#kept.subarray((fromFrame - this.#keptFrom) * this.#frameBytes) : Buffer.alloc(0);
    const missing = frames - kept.length / this.#frameBytes;
    const bytes =
      missing > 0
        ? Buffer.concat([kept, await this.#read(fromFrame + frames - missing, missing)])
        : kept.subarray(0, frames * this.#frameBytes);
    if (missing > 0) {
      this.#kept = bytes;
      this.#keptFrom = fromFrame;
    }
    return bytes;
  }
}
