import { useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { useStore } from '../../ui/store.ts';
import { drawWaveform } from './draw-waveform.ts';
import type { Playback } from './playback.ts';
import { spokenTime } from './time-words.ts';
import { followWaveform, type WaveformData } from './waveform-data.ts';

const STEP_S = 5;
const SECOND_MS = 1_000;

interface WaveformProps {
  readonly sessionId: string;
  readonly isLive: boolean;
  readonly playback: Playback;
}

/** The recording as a whole, and where in it one is: a slider, over a picture of its sound. */
export function Waveform({ sessionId, isLive, playback }: WaveformProps) {
  const client = useClient();
  const { positionMs, lengthMs } = useStore(playback);
  const [waveform, setWaveform] = useState<WaveformData | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => followWaveform(client, sessionId, isLive, setWaveform), [client, sessionId, isLive]);

  useEffect(() => {
    const element = frame.current;
    if (element === null || waveform === null) return;
    const draw = () => {
      for (const canvas of element.querySelectorAll('canvas')) drawWaveform(canvas, waveform, lengthMs);
    };
    const sizes = new ResizeObserver(draw);
    sizes.observe(element);
    const theme = matchMedia('(prefers-color-scheme: dark)');
    // The colours follow with the next frame.
    const drawSoon = () => requestAnimationFrame(draw);
    theme.addEventListener('change', drawSoon);
    return () => {
      sizes.disconnect();
      theme.removeEventListener('change', drawSoon);
    };
  }, [waveform, lengthMs]);

  useEffect(() => {
    const share = lengthMs === 0 ? 0 : positionMs / lengthMs;
    frame.current?.style.setProperty('--played', `${(100 * Math.min(1, share)).toFixed(3)}%`);
  }, [positionMs, lengthMs]);

  return (
    <div ref={frame} className="waveform">
      <canvas aria-hidden />
      <canvas aria-hidden className="played" />
      <input
        type="range"
        aria-label="Position in the recording"
        aria-valuetext={`${spokenTime(positionMs)} of ${spokenTime(lengthMs)}`}
        min={0}
        max={Math.max(1, Math.ceil(lengthMs / SECOND_MS))}
        step="any"
        value={positionMs / SECOND_MS}
        onChange={({ target }) => playback.seek(Number(target.value) * SECOND_MS)}
        onKeyDown={(event) => {
          const steps = { ArrowLeft: -STEP_S, ArrowDown: -STEP_S, ArrowRight: STEP_S, ArrowUp: STEP_S };
          const step = Object.entries(steps).find(([key]) => key === event.key)?.[1];
          if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          playback.skip(step * SECOND_MS);
        }}
      />
    </div>
  );
}
