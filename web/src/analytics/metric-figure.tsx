import { useState } from 'react';
import { Chart } from './chart.tsx';
import { NOT_KNOWN, valuesOf, type Metric } from './metrics.ts';
import type { Timeline } from './timeline.ts';

interface MetricFigureProps {
  readonly metric: Metric;
  readonly timeline: Timeline;
}

/** A chart, what it shows in words, and the table behind it. */
export function MetricFigure({ metric, timeline }: MetricFigureProps) {
  const [isTableShown, setTableShown] = useState(false);
  const values = valuesOf(metric, timeline.periods).filter((value) => value !== null);
  const least = metric.ticks(values).at(0) ?? 0;
  const isCut = values.length > 0 && least > 0;
  return (
    <section className="metric" aria-labelledby={`${metric.id}-title`}>
      <h2 id={`${metric.id}-title`}>{metric.title}</h2>
      <div className="metric-hint">
        <p>
          {metric.hint}
          {isCut && ` The axis begins at ${metric.writeTick(least)}.`}
        </p>
        <Legend metric={metric} />
      </div>
      <Chart metric={metric} timeline={timeline} />
      <details onToggle={({ currentTarget }) => setTableShown(currentTarget.open)}>
        <summary>
          Show as table<span className="visually-hidden">: {metric.title}</span>
        </summary>
        {isTableShown && <MetricTable metric={metric} timeline={timeline} />}
      </details>
    </section>
  );
}

/** Which is which, where two series are drawn: told by their shape, not by their colour alone. */
function Legend({ metric: { series } }: Pick<MetricFigureProps, 'metric'>) {
  const [whole, part] = series;
  if (part === undefined) return null;
  return (
    <p className="chart-legend" aria-hidden>
      <span>
        <svg width={14} height={14}>
          <rect className="chart-bar whole" x={1} y={1} width={12} height={12} rx={2} />
        </svg>
        {whole.name}
      </span>
      <span>
        <svg width={14} height={14}>
          <rect className="chart-bar" x={4} y={1} width={6} height={12} rx={1} />
        </svg>
        {part.name}
      </span>
    </p>
  );
}

function MetricTable({ metric, timeline: { periods, one, name, nameOf } }: MetricFigureProps) {
  return (
    <table className="figures">
      <caption>
        {metric.title} by {one}, {name}
      </caption>
      <thead>
        <tr>
          <th scope="col">{`${one.charAt(0).toUpperCase()}${one.slice(1)}`}</th>
          {metric.series.map((series) => (
            <th key={series.name} scope="col">
              {series.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {periods.map((period) => (
          <tr key={period.first}>
            <th scope="row">{nameOf(period)}</th>
            {metric.series.map((series) => {
              const value = series.valueOf(period.figures);
              return <td key={series.name}>{value === null ? NOT_KNOWN : series.write(value)}</td>;
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
