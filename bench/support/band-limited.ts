/** Zero crossings on each side of a sample: enough for differences below what 16 bits can tell. */
const CROSSINGS = 48;

/**
 * A recording at another rate, by direct evaluation of the windowed sinc (Hann) at each new sample. Slow, and independent of the
 * resampler that it makes inputs for.
 */
export function atRate(samples: Float32Array, fromRate: number, toRate: number): Float32Array {
  if (fromRate === toRate) return samples;
  const ratio = fromRate / toRate;
  // In cycles per source sample; a little below the narrower Nyquist frequency, where the window lets some through.
  const cutoff = 0.5 * Math.min(1, toRate / fromRate) * 0.97;
  const reach = CROSSINGS / (2 * cutoff);
  return Float32Array.from({ length: Math.floor(samples.length / ratio) }, (_, index) => {
    const position = index * ratio;
    let sum = 0;
    for (let at = Math.ceil(position - reach); at <= position + reach; at++) {
      const distance = position - at;
      const angle = 2 * Math.PI * cutoff * distance;
      const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / reach);
      sum += (samples[at] ?? 0) * 2 * cutoff * sinc * window;
    }
    return sum;
  });
}
