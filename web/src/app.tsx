import { Redirect, Route, Switch } from 'wouter';
import { DashboardPage } from './dashboard/dashboard-page.tsx';
import { LivePage } from './live/live-page.tsx';
import { SessionPage } from './session/session-page.tsx';
import { ErrorBoundary } from './shell/error-boundary.tsx';
import { NothingHere } from './shell/nothing-here.tsx';
import { Shell } from './shell/shell.tsx';

export function App() {
  return (
    <ErrorBoundary>
      <Shell>
        <ErrorBoundary>
          <Switch>
            <Route path="/">
              <Redirect to="/dashboard" replace />
            </Route>
            <Route path="/live" component={LivePage} />
            <Route path="/dashboard" component={DashboardPage} />
            <Route path="/sessions/:id">{({ id }) => <SessionPage key={id} id={decodeURIComponent(id)} />}</Route>
            <Route>
              <NothingHere what="page" />
            </Route>
          </Switch>
        </ErrorBoundary>
      </Shell>
    </ErrorBoundary>
  );
}
