import { useState, type KeyboardEvent, type PointerEvent } from 'react';
import { shortName } from './calendar.ts';
import { valuesOf, type Metric } from './metrics.ts';
import { HEIGHT, plotOf, runsOf, type Plot } from './plot.ts';
import { periodReading, summaryOf } from './summary.ts';
import type { Timeline } from './timeline.ts';
import { useWidth } from './use-width.ts';

interface ChartProps {
  readonly metric: Metric;
  readonly timeline: Timeline;
}

/**
 * Bars or points over time. What a period has is read above the chart, in a place of its own: by pointing at it, or by
 * keyboard with the arrow keys, as one chooses a value on a slider.
 */
export function Chart({ metric, timeline }: ChartProps) {
  const { periods } = timeline;
  const [frame, width] = useWidth<HTMLDivElement>();
  const [looked, setLooked] = useState<number | null>(null);
  const values = valuesOf(metric, periods);
  const ticks = metric.ticks(values.filter((value) => value !== null));
  const plot = plotOf(width, periods.length, ticks);
  const index = looked === null ? null : Math.min(looked, periods.length - 1);
  const period = index === null ? undefined : periods[index];
  const summary = summaryOf(metric, timeline);

  const point = ({ clientX, currentTarget }: PointerEvent) =>
    setLooked(plot.indexAt(clientX - currentTarget.getBoundingClientRect().left));
  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextIndex(event.key, index ?? periods.length - 1, periods.length);
    if (next === undefined) return;
    event.preventDefault();
    setLooked(next);
  };

  return (
    <>
      <p className="chart-reading figures">
        {period === undefined ? summary : periodReading(metric, period, timeline)}
      </p>
      <div
        ref={frame}
        className="chart"
        role="slider"
        tabIndex={0}
        aria-label={`${metric.title}, by ${timeline.one}`}
        aria-orientation="horizontal"
        aria-valuemin={1}
        aria-valuemax={Math.max(1, periods.length)}
        aria-valuenow={(index ?? periods.length - 1) + 1}
        aria-valuetext={period === undefined ? summary : periodReading(metric, period, timeline)}
        onPointerMove={point}
        onPointerDown={point}
        // A finger leaves when it is lifted, and what it pointed at is still to be read.
        onPointerLeave={({ pointerType }) => pointerType === 'mouse' && setLooked(null)}
        onFocus={({ currentTarget }) => currentTarget.matches(':focus-visible') && setLooked(periods.length - 1)}
        onBlur={() => setLooked(null)}
        onKeyDown={onKeyDown}
      >
        {width > 0 && (
          <svg width={width} height={HEIGHT} aria-hidden>
            {index !== null && (
              <rect
                className="chart-band"
                x={plot.middleOf(index) - plot.bandWidth / 2}
                y={0}
                width={plot.bandWidth}
                height={plot.bottom}
              />
            )}
            <Axes metric={metric} ticks={ticks} plot={plot} timeline={timeline} />
            {metric.kind === 'amount' ? (
              <Bars metric={metric} timeline={timeline} plot={plot} />
            ) : (
              <Points values={values} plot={plot} looked={index} />
            )}
          </svg>
        )}
      </div>
    </>
  );
}

function nextIndex(key: string, index: number, count: number): number | null | undefined {
  const within = (wanted: number) => Math.min(Math.max(wanted, 0), count - 1);
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return within(index - 1);
    case 'ArrowRight':
    case 'ArrowUp':
      return within(index + 1);
    case 'Home':
      return 0;
    case 'End':
      return within(count - 1);
    case 'Escape':
      return null;
    default:
      return undefined;
  }
}

interface AxesProps extends ChartProps {
  readonly ticks: readonly number[];
  readonly plot: Plot;
}

function Axes({ metric, ticks, plot, timeline: { periods, grain } }: AxesProps) {
  return (
    <>
      {ticks.map((tick) => (
        <g key={tick}>
          <line className="chart-line" x1={plot.left} x2={plot.right} y1={plot.yOf(tick)} y2={plot.yOf(tick)} />
          <text className="chart-text" x={plot.left - 8} y={plot.yOf(tick)} dy="0.35em" textAnchor="end">
            {metric.writeTick(tick)}
          </text>
        </g>
      ))}
      {periods.map(
        ({ first }, index) =>
          // Counted from the newest, which is named always.
          (periods.length - 1 - index) % plot.nameEvery === 0 && (
            <text key={first} className="chart-text" x={plot.middleOf(index)} y={HEIGHT - 6} textAnchor="middle">
              {shortName(grain, first)}
            </text>
          ),
      )}
    </>
  );
}

function Bars({ metric, timeline: { periods }, plot }: Omit<AxesProps, 'ticks'>) {
  const hasPart = metric.series.length > 1;
  return metric.series.flatMap(({ name, valueOf }, part) => {
    // The part is narrower and filled, the whole around it is drawn in outline.
    const isWhole = hasPart && part === 0;
    const width = part === 0 ? plot.barWidth : plot.barWidth * 0.5;
    return periods.map(({ first, figures }, index) => {
      const value = valueOf(figures) ?? 0;
      if (value <= 0) return null;
      const top = Math.min(plot.yOf(value), plot.bottom - 1);
      return (
        <rect
          key={`${name} ${first}`}
          className={isWhole ? 'chart-bar whole' : 'chart-bar'}
          x={plot.middleOf(index) - width / 2}
          y={top}
          width={width}
          height={plot.bottom - top}
          rx={Math.min(2, width / 4)}
        />
      );
    });
  });
}

interface PointsProps {
  readonly values: readonly (number | null)[];
  readonly plot: Plot;
  readonly looked: number | null;
}

function Points({ values, plot, looked }: PointsProps) {
  const radius = Math.max(2, Math.min(4, plot.bandWidth / 4));
  return runsOf(values).map((run) => (
    <g key={run[0]?.index}>
      <polyline
        className="chart-run"
        points={run.map(({ index, value }) => `${plot.middleOf(index)},${plot.yOf(value)}`).join(' ')}
      />
      {run.map(({ index, value }) => (
        <circle
          key={index}
          className="chart-point"
          cx={plot.middleOf(index)}
          cy={plot.yOf(value)}
          r={index === looked ? radius + 2 : radius}
        />
      ))}
    </g>
  ));
}
