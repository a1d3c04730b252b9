import { readingOf, valuesOf, type Metric } from './metrics.ts';
import type { Period } from './periods.ts';
import type { Timeline } from './timeline.ts';

/** What the chart shows, in a sentence or two. */
export function summaryOf(metric: Metric, timeline: Timeline): string {
  const { periods, one, many } = timeline;
  const { write } = metric.series[0];
  const known = knownValues(metric, timeline);
  const [first] = known;
  if (first === undefined) return `Not known of any ${one}.`;
  const most = known.reduce((a, b) => (b.value > a.value ? b : a));
  const ofAll = (count: number) => `${count} of ${periods.length} ${many}`;

  if (metric.kind === 'amount') {
    if (most.value === 0) return `None on any ${one}.`;
    const none = known.filter(({ value }) => value === 0).length;
    const best = periods.length === 1 ? `${write(most.value)}.` : `Most: ${write(most.value)}, ${most.at}.`;
    return none === 0 ? best : `${best} None on ${ofAll(none)}.`;
  }
  const least = known.reduce((a, b) => (b.value < a.value ? b : a));
  const lacking = periods.length - known.length;
  const between =
    known.length === 1
      ? `${write(first.value)}, ${first.at}.`
      : `From ${write(least.value)}, ${least.at}, to ${write(most.value)}, ${most.at}.`;
  return lacking === 0 ? between : `${between} Not known of ${ofAll(lacking)}.`;
}

/** What one period has. */
export function periodReading(metric: Metric, period: Period, { nameOf }: Timeline): string {
  return `${nameOf(period)}: ${readingOf(metric, period)}`;
}

function knownValues(metric: Metric, { periods, nameOf }: Timeline) {
  const values = valuesOf(metric, periods);
  return periods.flatMap((period, index) => {
    const value = values[index] ?? null;
    return value === null ? [] : [{ value, at: nameOf(period) }];
  });
}
