import { Link } from 'wouter';
import { ProblemCard } from '../../ui/problem-card.tsx';
import { useStore } from '../../ui/store.ts';
import { counted } from '../../ui/words.ts';
import { SessionRow } from '../session-row.tsx';
import type { SessionList } from '../session-list.ts';
import { useLastLoaded } from '../use-last-loaded.ts';
import { useSessionActions } from '../use-session-actions.tsx';
import { SaidHits } from './said-hits.tsx';
import { isSearchable, type SaidList } from './said-list.ts';

/** More are listed on their own, or what was said would be far below. */
const TITLES = 3;

interface SearchResultsProps {
  readonly words: string;
  readonly titles: SessionList;
  readonly said: SaidList;
  /** Where all titles are listed. */
  readonly allTitles: string;
}

/** What was found: sessions by their titles, and the moments in which it was said. */
export function SearchResults({ words, titles, said, allTitles }: SearchResultsProps) {
  const [shownTitles, shownSaid] = [useLastLoaded(titles), useLastLoaded(said)];
  const isBusy = shownTitles !== titles || shownSaid !== said;
  const found = useStore(shownTitles);
  const heard = useStore(shownSaid);
  const isNothing = found.isLoaded && heard.isLoaded && found.sessions.length === 0 && heard.said.length === 0;
  return (
    <div className="found" aria-busy={isBusy}>
      {isNothing ? (
        <p className="hint">{isSearchable(words) ? 'Nobody said that yet, and no title has it.' : emptyWords(words)}</p>
      ) : (
        <>
          <TitleMatches list={shownTitles} allTitles={allTitles} />
          <section aria-labelledby="said">
            <h2 id="said">Said in</h2>
            {heard.error !== null && (
              <ProblemCard title="What was said could not be searched" advice={heard.error}>
                <button type="button" className="button" onClick={() => void shownSaid.loadMore()}>
                  Try again
                </button>
              </ProblemCard>
            )}
            {heard.isLoaded && heard.said.length === 0 && <p className="hint">{emptyWords(words)}</p>}
            <SaidHits said={heard.said} onNearEnd={() => void shownSaid.loadMore()} />
          </section>
        </>
      )}
    </div>
  );
}

function emptyWords(words: string): string {
  return isSearchable(words) ? 'Nobody said that yet.' : 'Type a word: punctuation is not looked for in what was said.';
}

function TitleMatches({ list, allTitles }: { readonly list: SessionList; readonly allTitles: string }) {
  const { sessions, count, error } = useStore(list);
  const { rename, remove, dialog } = useSessionActions(list);
  if (sessions.length === 0 && error === null) return null;
  return (
    <section aria-labelledby="titles">
      <h2 id="titles">Titles</h2>
      {error !== null && (
        <ProblemCard title="Titles could not be searched" advice={error}>
          <button type="button" className="button" onClick={() => void list.loadMore()}>
            Try again
          </button>
        </ProblemCard>
      )}
      <ul>
        {sessions.slice(0, TITLES).map((session) => (
          <li key={session.id}>
            <SessionRow
              session={session}
              heading="h3"
              onRename={() => rename(session)}
              onDelete={() => remove(session)}
            />
          </li>
        ))}
      </ul>
      {sessions.length > TITLES && (
        <Link href={allTitles} className="all-titles" data-result="">
          {count === null ? 'All titles' : `All ${counted(count, 'title')}`}
        </Link>
      )}
      {dialog}
    </section>
  );
}
