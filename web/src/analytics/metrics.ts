import { counted, lasting } from '../ui/words.ts';
import type { Figures, Period } from './periods.ts';
import { shareTicks, ticksOf } from './ticks.ts';

const NUMBER = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const SECONDS = new Intl.NumberFormat('en', { maximumFractionDigits: 1, minimumFractionDigits: 1 });

export const NOT_KNOWN = 'not known';

/** One figure of a period, and how it is written. */
interface Series {
  /** Heads a column, and names it where there is another one. */
  readonly name: string;
  readonly valueOf: (figures: Figures) => number | null;
  readonly write: (value: number) => string;
}

/** What a chart shows. */
export interface Metric {
  readonly id: string;
  readonly title: string;
  /** What it is, for those who did not make it; empty where the title says it. */
  readonly hint: string;
  /** Amounts are bars from zero; means are points, with a gap where nothing is known. */
  readonly kind: 'amount' | 'mean';
  /** The first one is drawn; a second one is a part of it, and drawn within it. */
  readonly series: readonly [Series, ...Series[]];
  readonly ticks: (values: readonly number[]) => readonly number[];
  readonly writeTick: (value: number) => string;
}

const MINUTE_S = 60;
const HOUR_S = 3_600;

/** As fine as it says something: seconds below ten minutes, minutes below a hundred hours. */
export function writeTime(seconds: number): string {
  if (seconds >= 100 * HOUR_S) return `${NUMBER.format(Math.round(seconds / HOUR_S))} h`;
  const step = seconds < 10 * MINUTE_S ? 1 : MINUTE_S;
  return lasting(Math.round(seconds / step) * step * 1_000);
}

export const writeNumber = (value: number) => NUMBER.format(Math.round(value));
export const writeShare = (share: number) => `${Math.round(share * 100)} %`;
export const writeLatency = (milliseconds: number) => `${SECONDS.format(milliseconds / 1_000)} s`;

const most = (values: readonly number[]) => Math.max(0, ...values);

export const METRICS: readonly Metric[] = [
  {
    id: 'recorded',
    title: 'Time recorded',
    hint: 'Talk time is the part of it in which somebody speaks.',
    kind: 'amount',
    series: [
      { name: 'Recorded', valueOf: ({ recordedSeconds }) => recordedSeconds, write: writeTime },
      { name: 'Talk time', valueOf: ({ speakingSeconds }) => speakingSeconds, write: writeTime },
    ],
    ticks: (values) => ticksOf(most(values), 'time'),
    writeTick: (seconds) => (seconds === 0 ? '0' : writeTime(seconds)),
  },
  {
    id: 'sessions',
    title: 'Recordings',
    hint: '',
    kind: 'amount',
    series: [
      { name: 'Recordings', valueOf: ({ sessions }) => sessions, write: (value) => counted(value, 'recording') },
    ],
    ticks: (values) => ticksOf(most(values), 'count'),
    writeTick: (value) => COMPACT.format(value),
  },
  {
    id: 'words',
    title: 'Words',
    hint: '',
    kind: 'amount',
    series: [{ name: 'Words', valueOf: ({ words }) => words, write: (value) => counted(value, 'word') }],
    ticks: (values) => ticksOf(most(values), 'count'),
    writeTick: (value) => COMPACT.format(value),
  },
  {
    id: 'confidence',
    title: 'Average confidence',
    hint: 'How sure the recogniser was of its words.',
    kind: 'mean',
    series: [{ name: 'Average confidence', valueOf: ({ confidence }) => confidence, write: writeShare }],
    ticks: (values) => shareTicks(Math.min(1, ...values)),
    writeTick: writeShare,
  },
  {
    id: 'pace',
    title: 'Words per minute',
    hint: 'Of talk time, not of recording.',
    kind: 'mean',
    series: [{ name: 'Words per minute', valueOf: ({ wordsPerMinute }) => wordsPerMinute, write: writeNumber }],
    ticks: (values) => ticksOf(most(values), 'number'),
    writeTick: writeNumber,
  },
  {
    id: 'latency',
    title: 'Final latency',
    hint: 'From the end of what somebody says until its words stand for good. Known of live recordings only; a mean.',
    kind: 'mean',
    series: [{ name: 'Final latency', valueOf: ({ latencyMs }) => latencyMs, write: writeLatency }],
    ticks: (values) => ticksOf(most(values) / 1_000, 'number').map((seconds) => seconds * 1_000),
    writeTick: (milliseconds) => (milliseconds === 0 ? '0' : `${NUMBER.format(milliseconds / 1_000)} s`),
  },
];

/** The values of the series that is drawn on the axis. */
export function valuesOf({ series: [first] }: Metric, periods: readonly Period[]): (number | null)[] {
  return periods.map(({ figures }) => first.valueOf(figures));
}

/** `2 h 5 min recorded, 1 h talk time`, or `not known`. */
export function readingOf({ series }: Metric, { figures }: Period): string {
  const written = series.map(({ name, valueOf, write }) => {
    const value = valueOf(figures);
    if (value === null) return NOT_KNOWN;
    return series.length === 1 ? write(value) : `${write(value)} ${name.toLowerCase()}`;
  });
  return written.join(', ');
}
