import { Redirect, Route, Switch, useLocation } from 'wouter';
import { AnalyticsPage, DashboardPage, LivePage, SessionPage } from './pages.ts';
import { ErrorBoundary } from './shell/error-boundary.tsx';
import { NothingHere } from './shell/nothing-here.tsx';
import { Shell } from './shell/shell.tsx';

/** @param written an id as it stands in the address, where anything may stand */
function SessionAt({ written }: { readonly written: string }) {
  const id = decoded(written);
  return id === null ? <NothingHere what="recording" /> : <SessionPage id={id} />;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

export function App() {
  const [place] = useLocation();
  return (
    <ErrorBoundary>
      <Shell>
        {/* What broke on one page, breaks no other. */}
        <ErrorBoundary key={place}>
          <Switch>
            <Route path="/">
              <Redirect to="/dashboard" replace />
            </Route>
            <Route path="/live" component={LivePage} />
            <Route path="/dashboard" component={DashboardPage} />
            <Route path="/analytics" component={AnalyticsPage} />
            <Route path="/sessions/:id">{({ id }) => <SessionAt key={id} written={id} />}</Route>
            <Route>
              <NothingHere what="page" />
            </Route>
          </Switch>
        </ErrorBoundary>
      </Shell>
    </ErrorBoundary>
  );
}
