import type { WaveformData } from './waveform-data.ts';

/** CSS pixels. */
const BAR = 2;
const GAP = 1;
const FAINTEST = 1;
/** A recording that is quieter than that as a whole is not drawn as if it were loud. */
const QUIETEST_FULL = 0.1;

/**
 * Draws peaks as bars in the canvas' own colour: the first channel upwards, the second one, or the same again, downwards. Where
 * there is no audio there is nothing.
 * @param durationMs what the whole width stands for
 */
export function drawWaveform(canvas: HTMLCanvasElement, waveform: WaveformData, durationMs: number): void {
  const context = canvas.getContext('2d');
  const { clientWidth: width, clientHeight: height } = canvas;
  if (context === null || width === 0) return;
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  context.scale(devicePixelRatio, devicePixelRatio);
  context.fillStyle = getComputedStyle(canvas).color;
  const [up = [], down = up] = waveform.peaks;
  const loudest = [...up, ...down].reduce<number>((most, peak) => Math.max(most, peak ?? 0), QUIETEST_FULL);
  const middle = height / 2;
  for (let x = 0; x < width; x += BAR + GAP) {
    const [from, to] = [x, x + BAR + GAP].map((edge) => ((edge / width) * durationMs) / waveform.stretchMs);
    const above = barHeight(up, from ?? 0, to ?? 0, loudest, middle);
    const below = barHeight(down, from ?? 0, to ?? 0, loudest, middle);
    if (above !== null || below !== null) context.fillRect(x, middle - (above ?? 0), BAR, (above ?? 0) + (below ?? 0));
  }
}

/** `null`: there is no audio. */
function barHeight(
  peaks: readonly (number | null)[],
  from: number,
  to: number,
  loudest: number,
  most: number,
): number | null {
  let peak: number | null = null;
  for (let index = Math.floor(from); index < Math.max(to, Math.floor(from) + 1); index++) {
    const value = peaks[index] ?? null;
    if (value !== null) peak = Math.max(peak ?? 0, value);
  }
  // As loudness is felt, so that what is quiet is seen, too.
  return peak === null ? null : Math.max(FAINTEST / 2, Math.sqrt(peak / loudest) * most);
}
