import { SearchIcon } from 'lucide-react';
import { useSlashFocus } from '../ui/use-slash-focus.ts';
import { isOrder, isStatus, ORDERS, STATUSES, type Chosen } from './choice.ts';

interface FiltersProps {
  readonly chosen: Chosen;
  /** As they are typed. */
  readonly words: string;
  readonly onType: (words: string) => void;
  readonly onChange: (chosen: Chosen) => void;
  /** Whether what is listed has a status and an order to choose. */
  readonly areSessions: boolean;
}

/** What to list: words to search for, to which `/` leads, and which sessions in which order. */
export function Filters({ chosen, words, onType, onChange, areSessions }: FiltersProps) {
  const input = useSlashFocus();
  return (
    <search className="filters" data-alone={!areSessions}>
      <label className="field search-field">
        <span className="visually-hidden">Search titles and everything that was said</span>
        <SearchIcon aria-hidden size={18} />
        <input
          ref={input}
          type="search"
          placeholder="Search titles and words"
          aria-keyshortcuts="/"
          maxLength={200}
          value={words}
          onChange={({ target }) => onType(target.value)}
        />
      </label>
      {areSessions && <Selects chosen={chosen} onChange={onChange} />}
    </search>
  );
}

function Selects({ chosen, onChange }: Pick<FiltersProps, 'chosen' | 'onChange'>) {
  return (
    <>
      <label className="field">
        <span className="visually-hidden">Status</span>
        <select
          value={chosen.status}
          onChange={({ target }) => isStatus(target.value) && onChange({ ...chosen, status: target.value })}
        >
          {Object.entries(STATUSES).map(([name, { label }]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span className="visually-hidden">Order</span>
        <select
          value={chosen.order}
          onChange={({ target }) => isOrder(target.value) && onChange({ ...chosen, order: target.value })}
        >
          {Object.entries(ORDERS).map(([name, { label }]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}
