import { useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { usePageTitle } from '../shell/page-title.ts';
import { ProblemCard } from '../ui/problem-card.tsx';
import { localDayOf, parseDay, periodName } from './calendar.ts';
import { Headline } from './headline.tsx';
import { MetricFigure } from './metric-figure.tsx';
import { METRICS } from './metrics.ts';
import { together } from './periods.ts';
import { timelineOf } from './timeline.ts';
import { asChosen, daysOf, readChosen, writeChosen, type Chosen } from './range.ts';
import { RangePicker } from './range-picker.tsx';
import { useStatistics, type Answer } from './use-statistics.ts';

const TIME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** How much was recorded and said, and how well it went, over time. */
export function AnalyticsPage() {
  usePageTitle('Analytics');
  const [search, setSearch] = useSearchParams();
  const [chosen, setChosen] = useState(() => readChosen(search));
  const today = localDayOf(new Date());
  const range = daysOf(chosen, today);
  const { answer, error, isLoading, refresh } = useStatistics(range, TIME_ZONE);
  const change = (next: Chosen) => {
    setChosen(next);
    setSearch(writeChosen(next), { replace: true });
  };
  const earliest = answer === null ? null : firstDayOf(answer);

  if (answer?.hasAny === false) return <FirstVisit />;
  return (
    <div className="page analytics" aria-busy={isLoading}>
      <div className="page-head">
        <h1>Analytics</h1>
        <p role="status">{answer !== null && rangeName(answer)}</p>
      </div>
      <RangePicker
        chosen={chosen}
        today={today}
        onName={(name) => change(name === 'chosen' ? asChosen(range, earliest) : { name, from: '', to: '' })}
        onDays={(days) => change({ name: 'chosen', ...days })}
      />
      {error !== null && (
        <ProblemCard title="The figures could not be loaded" advice={error}>
          <button type="button" className="button" onClick={refresh}>
            Try again
          </button>
        </ProblemCard>
      )}
      {(answer !== null || error === null) && <Headline figures={answer === null ? null : together(answer.days)} />}
      {answer !== null && answer.days.length === 0 && (
        <div className="actions">
          <p className="hint">Nothing was recorded in this time.</p>
          <button type="button" className="button" onClick={() => change({ name: 'all', from: '', to: '' })}>
            Show all
          </button>
        </div>
      )}
      {answer !== null && answer.days.length > 0 && <Charts answer={answer} />}
    </div>
  );
}

function Charts({ answer }: { readonly answer: Answer }) {
  const { last } = answer.range;
  const timeline = timelineOf(answer.days, firstDayOf(answer) ?? last, last);
  return (
    <>
      <div className="metrics">
        {METRICS.map((metric) => (
          <MetricFigure key={metric.id} metric={metric} timeline={timeline} />
        ))}
      </div>
      <p className="hint">
        A recording counts on the day on which it began, in the time zone {TIME_ZONE}. One that runs may be ahead of its
        figures by some seconds.
      </p>
    </>
  );
}

function FirstVisit() {
  return (
    <div className="page">
      <div className="page-head">
        <h1>Analytics</h1>
      </div>
      <div className="first-visit">
        <p className="lead">There are no figures yet.</p>
        <p>Make a recording, and you see here how much was said, and how well it was understood.</p>
        <Link href="/live" className="button primary">
          Make the first recording
        </Link>
      </div>
    </div>
  );
}

/** Where the range begins, or the first recording where it is open. */
function firstDayOf({ range, days }: Answer): number | null {
  return range.first ?? parseDay(days[0]?.day ?? '');
}

function rangeName(answer: Answer): string {
  const { last } = answer.range;
  return periodName('day', firstDayOf(answer) ?? last, last);
}
