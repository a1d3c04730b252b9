import { useMemo } from 'react';
import { Link, useSearchParams } from 'wouter';
import { usePageTitle } from '../shell/page-title.ts';
import { useStore } from '../ui/store.ts';
import { counted } from '../ui/words.ts';
import { choiceOf, readChosen, writeChosen, type Chosen } from './choice.ts';
import { Filters } from './filters.tsx';
import { moveAmongResults } from './search/arrow-keys.ts';
import { SearchResults } from './search/search-results.tsx';
import type { SaidListState } from './search/said-list.ts';
import { useSaidList } from './search/use-said-list.ts';
import { SessionRows } from './session-rows.tsx';
import { useSessionList } from './use-session-list.ts';
import { useTypedWords } from './use-typed-words.ts';

/** All sessions, to find, open, rename and delete; and where something is searched for, the moments in which it was said. */
export function DashboardPage() {
  usePageTitle('Recordings');
  const [search, setSearch] = useSearchParams();
  const chosen = readChosen(search);
  const change = (next: Chosen) => setSearch(writeChosen(next), { replace: true });
  const [typed, type] = useTypedWords(chosen.words, (words) => change({ ...chosen, words }));

  const { words, onlyTitles, status, order } = chosen;
  const isSearch = words.trim() !== '' && !onlyTitles;
  const choice = useMemo(
    () => choiceOf(isSearch ? { words, status: 'all', order: 'newest' } : { words, status, order }),
    [isSearch, words, status, order],
  );
  const list = useSessionList(choice);
  const said = useSaidList(isSearch ? words : '');
  const { sessions, count, isLoaded } = useStore(list);
  const heard = useStore(said);

  const isFiltered = words.trim() !== '' || status !== 'all';
  const isFirstVisit = isLoaded && sessions.length === 0 && !isFiltered;

  return (
    <div className="page" onKeyDown={moveAmongResults}>
      <div className="page-head">
        <h1>Recordings</h1>
        <p role="status">
          {count !== null &&
            !isFirstVisit &&
            (isSearch
              ? heard.isLoaded && foundInWords(count, heard)
              : counted(count, isFiltered ? 'match' : 'recording', isFiltered ? 'matches' : 'recordings'))}
        </p>
      </div>
      {!isFirstVisit && (
        <Filters chosen={chosen} words={typed} onType={type} onChange={change} areSessions={!isSearch} />
      )}
      {isFirstVisit && <FirstVisit />}
      {isSearch ? (
        <SearchResults words={words} titles={list} said={said} allTitles={addressOf({ ...chosen, onlyTitles: true })} />
      ) : (
        <>
          {onlyTitles && words !== '' && (
            <p className="hint">
              Only titles are searched.{' '}
              <Link href={addressOf({ ...chosen, onlyTitles: false })}>Search what was said, too</Link>
            </p>
          )}
          {isLoaded && sessions.length === 0 && isFiltered && (
            <p className="hint">Nothing matches. Search for less, or show all.</p>
          )}
          <SessionRows list={list} />
        </>
      )}
    </div>
  );
}

function foundInWords(titles: number, { said, hasMore }: SaidListState): string {
  const found = [
    ...(titles > 0 ? [counted(titles, 'title')] : []),
    ...(said.length > 0 ? [`${counted(said.length, 'moment')}${hasMore ? ' and more' : ''}`] : []),
  ];
  return found.length === 0 ? 'No match' : found.join(', ');
}

function addressOf(chosen: Chosen): string {
  return `/dashboard?${writeChosen(chosen).toString()}`;
}

function FirstVisit() {
  return (
    <div className="first-visit">
      <p className="lead">Nothing has been recorded yet.</p>
      <p>Press Record, speak, and read along. What you say stays on this server, and you find it here.</p>
      <Link href="/live" className="button primary">
        Make the first recording
      </Link>
    </div>
  );
}
