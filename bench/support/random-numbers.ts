/** Numbers from -1 to 1, evenly spread and the same in each run: the generator xorshift32 of G. Marsaglia ("Xorshift RNGs", 2003). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
}
