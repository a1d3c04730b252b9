import { SearchIcon } from 'lucide-react';
import { isOrder, isStatus, ORDERS, STATUSES, type Chosen } from './choice.ts';

interface FiltersProps {
  readonly chosen: Chosen;
  readonly onChange: (chosen: Chosen) => void;
}

export function Filters({ chosen, onChange }: FiltersProps) {
  return (
    <search className="filters">
      <label className="field search-field">
        <span className="visually-hidden">Search titles</span>
        <SearchIcon aria-hidden size={18} />
        <input
          type="search"
          placeholder="Search titles"
          value={chosen.title}
          onChange={({ target }) => onChange({ ...chosen, title: target.value })}
        />
      </label>
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
    </search>
  );
}
