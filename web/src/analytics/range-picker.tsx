import { writeDay } from './calendar.ts';
import { FIRST_DAY, isRange, RANGES, type Chosen } from './range.ts';

interface RangePickerProps {
  readonly chosen: Chosen;
  /** The last day that may be chosen. */
  readonly today: number;
  readonly onName: (name: Chosen['name']) => void;
  readonly onDays: (days: Pick<Chosen, 'from' | 'to'>) => void;
}

export function RangePicker({ chosen, today, onName, onDays }: RangePickerProps) {
  const bounds = { min: writeDay(FIRST_DAY), max: writeDay(today) };
  return (
    <fieldset className="range">
      <legend className="visually-hidden">Time</legend>
      <div className="range-names">
        {Object.entries(RANGES).map(([name, { label }]) => (
          <label key={name}>
            <input
              type="radio"
              name="range"
              value={name}
              checked={chosen.name === name}
              onChange={({ target }) => isRange(target.value) && onName(target.value)}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
      {chosen.name === 'chosen' && (
        <div className="range-days">
          <label className="field">
            From
            <input
              type="date"
              {...bounds}
              value={chosen.from}
              onChange={({ target }) => onDays({ from: target.value, to: chosen.to })}
            />
          </label>
          <label className="field">
            To
            <input
              type="date"
              {...bounds}
              value={chosen.to}
              onChange={({ target }) => onDays({ from: chosen.from, to: target.value })}
            />
          </label>
        </div>
      )}
    </fieldset>
  );
}
