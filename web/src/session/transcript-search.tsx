import { ChevronDownIcon, ChevronUpIcon, SearchIcon } from 'lucide-react';
import { useSlashFocus } from '../ui/use-slash-focus.ts';

interface TranscriptSearchProps {
  readonly wanted: string;
  readonly count: number;
  /** Index of the hit that is looked at. */
  readonly current: number;
  readonly onWanted: (wanted: string) => void;
  /** By how many hits to go on: 1 or -1. */
  readonly onStep: (step: number) => void;
}

/** Search within the transcript; `/` leads to it. */
export function TranscriptSearch({ wanted, count, current, onWanted, onStep }: TranscriptSearchProps) {
  const input = useSlashFocus();
  return (
    <search className="transcript-search">
      <label className="field search-field">
        <span className="visually-hidden">Search this transcript</span>
        <SearchIcon aria-hidden size={18} />
        <input
          ref={input}
          type="search"
          placeholder="Search this transcript"
          aria-keyshortcuts="/"
          value={wanted}
          onChange={({ target }) => onWanted(target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') onStep(event.shiftKey ? -1 : 1);
          }}
        />
      </label>
      <span className="figures hits" role="status">
        {wanted.trim() !== '' && (count === 0 ? 'Not found' : `${current + 1} of ${count}`)}
      </span>
      <button
        type="button"
        className="icon-button"
        aria-label="Previous hit"
        disabled={count === 0}
        onClick={() => onStep(-1)}
      >
        <ChevronUpIcon aria-hidden size={20} />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Next hit"
        disabled={count === 0}
        onClick={() => onStep(1)}
      >
        <ChevronDownIcon aria-hidden size={20} />
      </button>
    </search>
  );
}
