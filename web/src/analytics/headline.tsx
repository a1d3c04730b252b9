import { NOT_KNOWN, writeTime, writeLatency, writeNumber, writeShare } from './metrics.ts';
import type { Figures } from './periods.ts';

/** The figures of the whole range. @param figures `null` while they are on their way: their places are kept */
export function Headline({ figures }: { readonly figures: Figures | null }) {
  return (
    <dl className="headline figures" aria-busy={figures === null}>
      {figures === null
        ? NAMES.map((name) => <Figure key={name} name={name} value="…" />)
        : entriesOf(figures).map(([name, value]) => <Figure key={name} name={name} value={value} />)}
    </dl>
  );
}

const NAMES = [
  'Recorded',
  'Talk time',
  'Recordings',
  'Words',
  'Average confidence',
  'Words per minute',
  'Final latency',
] as const;

function entriesOf(figures: Figures): [name: (typeof NAMES)[number], value: string | null][] {
  return [
    ['Recorded', writeTime(figures.recordedSeconds)],
    ['Talk time', writeTime(figures.speakingSeconds)],
    ['Recordings', writeNumber(figures.sessions)],
    ['Words', writeNumber(figures.words)],
    ['Average confidence', known(figures.confidence, writeShare)],
    ['Words per minute', known(figures.wordsPerMinute, writeNumber)],
    ['Final latency', known(figures.latencyMs, writeLatency)],
  ];
}

function known(value: number | null, write: (value: number) => string): string | null {
  return value === null ? null : write(value);
}

function Figure({ name, value }: { readonly name: string; readonly value: string | null }) {
  return (
    <div>
      <dt>{name}</dt>
      {value === null ? (
        <dd className="unknown">
          <span aria-hidden>– </span>
          <small>{NOT_KNOWN}</small>
        </dd>
      ) : (
        <dd>{value}</dd>
      )}
    </div>
  );
}
