import { useEffect, useRef } from 'react';

/** Speech is far below full scale: what is shown is its square root, so that a quiet voice moves the bar, too. */
const heightOf = (level: number) => Math.sqrt(level);

/** How loud it is, drawn without React. @param level asked for each frame: 0 to 1 */
export function LevelMeter({ level }: { readonly level: () => number }) {
  const bar = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      if (bar.current !== null) bar.current.style.transform = `scaleX(${heightOf(level()).toFixed(3)})`;
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [level]);
  return (
    <span className="level" role="img" aria-label="Level of the microphone">
      <span ref={bar} />
    </span>
  );
}
