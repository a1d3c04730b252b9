import { createHash } from 'node:crypto';

/**
 * Reproducible random numbers: the generator sfc32 of C. Doty-Humphrey (PractRand), seeded by the SHA-256 of whatever names
 * the sequence. Each input of a run has a sequence of its own, so that it can be made again without those before it.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(...names: readonly (string | number)[]) {
    const digest = createHash('sha256').update(names.join('/')).digest();
    this.#a = digest.readInt32LE(0);
    this.#b = digest.readInt32LE(4);
    this.#c = digest.readInt32LE(8);
    this.#counter = digest.readInt32LE(12);
  }

  /** 0 to 2^32 - 1. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.word() / 2 ** 32 < probability;
  }

  /** @throws RangeError when there is nothing to choose from. */
  pick<T>(choices: readonly T[]): T {
    const [choice] = choices.slice(this.below(choices.length));
    if (choices.length === 0) throw new RangeError('Nothing to choose from');
    return choice as T;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at += 4) {
      const word = this.word();
      for (let i = at; i < Math.min(at + 4, length); i++) bytes[i] = word >>> (8 * (i - at));
    }
    return bytes;
  }

  /** Printable and unprintable text of at most `longest` characters. */
  text(longest: number): string {
    const alphabet = this.pick(ALPHABETS);
    return Array.from({ length: this.between(0, longest) }, () => this.pick(alphabet)).join('');
  }
}

/** The last one has what databases, files and JSON are known to stumble over. */
const ALPHABETS = [
  Array.from('abcdefghijklmnopqrstuvwxyz 0123456789'),
  ['ä', 'ß', 'e\u0301', '漢', '字', '🎙️', '\u{10ffff}'],
  ['\0', '\ud800', '\udfff', '"', "'", '\\', '%', '_', '\n', '\r', '\u2028', '/', '..', ';', '\u202e', '\ufeff'],
];
