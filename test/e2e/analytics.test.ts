import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { seedSessions, type SeededSession } from '../support/seeded-sessions.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';
import { chromiumPath, findings, launchChromium, openPageWithin, WITHOUT_CHROMIUM } from './browser.ts';

/** Programs and browsers start slowly on a busy machine. */
const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });

/** In Berlin the first one is of 28 March, and the others of the 29th, which has 23 hours. */
const SESSIONS: readonly SeededSession[] = [
  sessionAt('2026-03-28T22:59:59Z', { words: 300, recordedSeconds: 3_600, speakingSeconds: 120, confidence: 0.9 }),
  sessionAt('2026-03-28T23:00:00Z', { words: 140, recordedSeconds: 5_400, speakingSeconds: 60, latencyMs: 640 }),
  sessionAt('2026-03-29T21:59:59Z', { words: 60, recordedSeconds: 1_800, speakingSeconds: 60, confidence: 0.8 }),
];

function sessionAt(createdAt: string, figures: Partial<SeededSession>): SeededSession {
  const nothing = { words: 0, recordedSeconds: 0, speakingSeconds: 0, finals: 10, confidence: null, latencyMs: null };
  return { ...nothing, ...figures, createdAt: new Date(createdAt) };
}

let browser: Browser | null = null;
let server: TestServer;
let context: BrowserContext;
beforeAll(async () => {
  if (chromiumPath === null) return;
  [browser, server] = await Promise.all([launchChromium(chromiumPath), startTestServer()]);
  context = await browser.newContext({ timezoneId: 'Europe/Berlin', viewport: { width: 390, height: 844 } });
});
afterAll(async () => {
  await browser?.close();
  if (chromiumPath !== null) await server.stop();
});

async function headlineOf(page: Page): Promise<Record<string, string>> {
  const shown = page.locator('.headline[aria-busy=false]');
  await shown.waitFor();
  const [names, values] = [await shown.locator('dt').allTextContents(), await shown.locator('dd').allTextContents()];
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
}

describe('the page of figures', () => {
  it('leads whoever has recorded nothing to the first recording', async ({ skip }) => {
    if (browser === null) skip(WITHOUT_CHROMIUM);
    const { page, trespasses } = await openPageWithin(context, server.url);
    await page.goto(`${server.url}/dashboard`);
    await page.getByRole('link', { name: 'Analytics' }).click();
    await page.getByText('There are no figures yet.').waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByRole('link', { name: 'Make the first recording' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor();
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close();
  });

  it('tells what was recorded on the days of this browser, in charts, words and tables', async ({ skip }) => {
    if (browser === null) skip(WITHOUT_CHROMIUM);
    seedSessions(server.dataDirectory, SESSIONS);
    const { page, trespasses } = await openPageWithin(context, server.url);
    await page.goto(`${server.url}/analytics?from=2026-03-27&to=2026-03-30`);
    expect(await headlineOf(page)).toEqual({
      Recorded: '3 h',
      'Talk time': '4 min',
      Recordings: '3',
      Words: '500',
      'Average confidence': '85 %',
      'Words per minute': '125',
      'Final latency': '0.6 s',
    });
    await page.getByText('Most: 2 h, 29 March. None on 2 of 4 days.').waitFor();
    await page.getByText('From 80 %, 29 March, to 90 %, 28 March. Not known of 2 of 4 days.').waitFor();

    await page.getByRole('slider', { name: 'Time recorded, by day' }).focus();
    await page.keyboard.press('Home');
    await page.getByText('27 March: 0 s recorded, 0 s talk time').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.getByText('29 March: 2 h recorded, 2 min talk time').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Most: 2 h, 29 March.').waitFor();
    const words = page.getByRole('slider', { name: 'Words, by day' });
    await words.hover({ position: { x: 150, y: 60 } });
    await page.getByText('28 March: 300 words').waitFor();

    await page.getByText('Show as table: Final latency').click();
    const table = page.getByRole('table', { name: 'Final latency by day, 27 – 30 March 2026' });
    await table.waitFor();
    expect(await table.getByRole('row').allTextContents()).toEqual([
      'DayFinal latency',
      '27 Marchnot known',
      '28 Marchnot known',
      '29 March0.6 s',
      '30 Marchnot known',
    ]);
    // One point, and no line to where nothing is known.
    expect(await page.locator('section', { has: table }).locator('circle').count()).toBe(1);
    expect(await findings(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close();
  });

  it('keeps the time that was chosen in its address, and says where there was nothing', async ({ skip }) => {
    if (browser === null) skip(WITHOUT_CHROMIUM);
    const { page } = await openPageWithin(context, server.url);
    await page.goto(`${server.url}/analytics?from=2026-01-01&to=2026-01-31`);
    await page.getByText('Nothing was recorded in this time.').waitFor();
    expect(await headlineOf(page)).toMatchObject({ Recordings: '0', 'Average confidence': '– not known' });
    await page.getByLabel('To').fill('2026-03-28');
    await until(async () => (await headlineOf(page))['Recordings'] === '1', { timeoutMs: PATIENCE_MS });
    expect(page.url()).toBe(`${server.url}/analytics?from=2026-01-01&to=2026-03-28`);
    await page.getByLabel('All').check();
    await until(async () => (await headlineOf(page))['Recordings'] === '3', { timeoutMs: PATIENCE_MS });
    await page.reload();
    await until(async () => (await headlineOf(page))['Recordings'] === '3', { timeoutMs: PATIENCE_MS });
    expect(page.url()).toBe(`${server.url}/analytics?range=all`);
    await page.close();
  });

  it('says when the server does not answer, and shows the figures when it does again', async ({ skip }) => {
    if (browser === null) skip(WITHOUT_CHROMIUM);
    const { page } = await openPageWithin(context, server.url);
    let isAway = true;
    await page.route(/\/(graphql|health)$/u, (route) => (isAway ? route.abort() : route.continue()));
    await page.goto(`${server.url}/analytics?range=all`);
    await page.getByText('The figures could not be loaded').waitFor();
    expect(await page.getByRole('button', { name: 'Try again' }).isVisible()).toBe(true);
    isAway = false;
    expect(await headlineOf(page)).toMatchObject({ Recordings: '3' });
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.close();
  });
});
