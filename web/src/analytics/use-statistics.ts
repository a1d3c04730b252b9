import { useCallback, useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { sentenceOf } from '../api/client.ts';
import { useServer } from '../api/context.ts';
import { graphql } from '../api/graphql.ts';
import { useStore } from '../ui/store.ts';
import { beginningOf } from './calendar.ts';
import type { DayFigures } from './periods.ts';
import type { DayRange } from './range.ts';

const StatisticsQuery = graphql(`
  query Statistics($filter: SessionFilter, $timeZone: String!) {
    ever: statistics {
      totalSessions
    }
    statistics(filter: $filter, timeZone: $timeZone) {
      days {
        day
        totalSessions
        wordCount
        recordedDuration
        speakingDuration
        averageConfidence
        confidenceCount
        averageLatencyMs
        latencyCount
      }
    }
  }
`);

/** What the server told last, and for which days. */
export interface Answer {
  readonly range: DayRange;
  readonly days: readonly DayFigures[];
  /** Whether there is any recording, of whatever time. */
  readonly hasAny: boolean;
}

export interface Statistics {
  /** `null` until the first answer. One for other days is shown until that for these is there. */
  readonly answer: Answer | null;
  /** A sentence; `null`: all is well. */
  readonly error: string | null;
  readonly isLoading: boolean;
  readonly refresh: () => void;
}

/** The figures of some days, in the time zone of this browser; asked for again when somebody comes back to the page. */
export function useStatistics({ first, last }: DayRange, timeZone: string): Statistics {
  const client = useClient();
  const { recoveries } = useStore(useServer());
  const [state, setState] = useState<Omit<Statistics, 'refresh'>>({ answer: null, error: null, isLoading: true });
  /** Of questions, so that an answer that comes late is not taken for that to a later one. */
  const asked = useRef(0);

  const refresh = useCallback(async () => {
    const question = ++asked.current;
    setState((known) => ({ ...known, isLoading: true }));
    const to = beginningOf(last + 1).toISOString();
    const filter = first === null ? { to } : { from: beginningOf(first).toISOString(), to };
    const { data, error } = await client.query(StatisticsQuery, { filter, timeZone }).toPromise();
    if (question !== asked.current) return;
    if (data === undefined || error !== undefined) {
      const sentence = error === undefined ? 'The server gave no answer.' : sentenceOf(error);
      setState((known) => ({ ...known, error: sentence, isLoading: false }));
      return;
    }
    const answer = { range: { first, last }, days: data.statistics.days, hasAny: data.ever.totalSessions > 0 };
    setState({ answer, error: null, isLoading: false });
  }, [client, first, last, timeZone]);

  useEffect(() => {
    void refresh();
    const look = () => {
      if (document.visibilityState === 'visible') void refresh();
    };
    document.addEventListener('visibilitychange', look);
    return () => {
      asked.current += 1;
      document.removeEventListener('visibilitychange', look);
    };
  }, [refresh, recoveries]);
  return { ...state, refresh: () => void refresh() };
}
