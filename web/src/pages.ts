import { lazyPage } from './shell/lazy-page.tsx';

/** All pages; the code of each is fetched when somebody goes there, or has nothing else to do. */
const pages = {
  analytics: lazyPage(async () => (await import('./analytics/analytics-page.tsx')).AnalyticsPage),
  dashboard: lazyPage(async () => (await import('./dashboard/dashboard-page.tsx')).DashboardPage),
  live: lazyPage(async () => (await import('./live/live-page.tsx')).LivePage),
  session: lazyPage(async () => (await import('./session/session-page.tsx')).SessionPage),
};

export const AnalyticsPage = pages.analytics.Page;
export const DashboardPage = pages.dashboard.Page;
export const LivePage = pages.live.Page;
export const SessionPage = pages.session.Page;

/** So that a change of pages waits for nothing, nor needs a connection, once the first one is there. */
export function preloadPages(): void {
  for (const { preload } of Object.values(pages)) preload();
}
