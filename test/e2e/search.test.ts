import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { endSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';
import { chromiumPath, findings, launchChromium, openPageWithin, WITHOUT_CHROMIUM } from './browser.ts';

/** Programs and browsers start slowly on a busy machine. */
const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });

const PAUSE = { silenceMs: 1_000 };

let browser: Browser | null = null;
let server: TestServer;
beforeAll(async () => {
  if (chromiumPath === null) return;
  [browser, server] = await Promise.all([launchChromium(chromiumPath), startTestServer()]);
  await record('Monday', ['golf', 'hotel', PAUSE, 'alpha', 'bravo', PAUSE]);
  await record('The golf course', ['charlie', PAUSE]);
  await record('Tuesday', Array.from({ length: 60 }, () => ['golf', PAUSE] as const).flat());
});
afterAll(async () => {
  await browser?.close();
  if (chromiumPath !== null) await server.stop();
});

async function record(title: string, script: readonly ToneSpeechPart[]): Promise<void> {
  const sessionId = await startSession(server.client, { title });
  const { nextSequence } = await sendChunks(server.client, sessionId, speechChunks(script, 1_000));
  await endSession(server.client, sessionId, nextSequence);
}

describe('the search of the dashboard', () => {
  it('leads from a word that was said to the moment, and back, by keyboard alone', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const { page, trespasses } = await openPageWithin(opened, server.url);
    await page.goto(`${server.url}/dashboard`);
    await page.getByText('3 recordings').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('alpha bra');
    const moments = page.locator('.said-moment');
    await page.getByText('1 moment', { exact: true }).waitFor();
    expect(await moments.locator('mark').allTextContents()).toEqual(['alpha', 'bravo']);
    await page.getByRole('heading', { name: 'Monday' }).waitFor();
    expect(await findings(page)).toEqual([]);

    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/sessions\/[^#]+#t=\d+(\.\d+)?$/u);
    const moment = Number(new URL(page.url()).hash.slice('#t='.length));
    expect(moment).toBeGreaterThan(1);
    const player = page.getByRole('slider', { name: 'Position in the recording' });
    await until(async () => Math.abs(Number(await player.inputValue()) - moment) < 0.1, {
      timeoutMs: PATIENCE_MS,
      what: 'the moment',
    });
    await page.getByRole('heading', { name: 'Monday', level: 1 }).waitFor();
    await page.locator('.segment mark').getByText('alpha').waitFor();
    await page.goBack();
    await page.getByText('1 moment', { exact: true }).waitFor();
    expect(await page.getByRole('searchbox').inputValue()).toBe('alpha bra');
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close();
  });

  it('finds titles and moments, by recording, as many as there are', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const { page, trespasses } = await openPageWithin(opened, server.url);
    await page.goto(`${server.url}/dashboard?q=golf`);
    await page.getByText('1 title, 40 moments and more').waitFor();
    expect(await page.locator('.row h3').allTextContents()).toEqual(['The golf course']);
    await page.getByRole('heading', { name: 'Tuesday' }).waitFor();
    await until(
      async () => {
        await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
        return page.getByRole('heading', { name: 'Monday' }).isVisible();
      },
      { timeoutMs: PATIENCE_MS, what: 'the oldest moment' },
    );
    await page.getByText('1 title, 61 moments', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Recordings' }).click();
    await page.getByText('3 recordings').waitFor();
    expect(await page.getByRole('searchbox').inputValue()).toBe('');
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close();
  });

  it('says when nobody said it, when there is nothing to look for, and when it failed', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const { page } = await openPageWithin(opened, server.url);
    await page.goto(`${server.url}/dashboard`);
    const field = page.getByRole('searchbox');
    await field.fill('zeppelin');
    await page.getByText('Nobody said that yet, and no title has it.').waitFor();
    await field.fill('"?!');
    await page.getByText('Type a word').waitFor();
    await field.fill('a '.repeat(60));
    await page.getByText('A search may have 50 words at most.').waitFor();

    await page.route('**/graphql', (route) => route.abort());
    await field.fill('alpha');
    await page.getByText('What was said could not be searched').waitFor();
    await page.unroute('**/graphql');
    await page.getByText('1 moment', { exact: true }).waitFor();
    expect(await page.getByText('could not be searched').count()).toBe(0);
    await page.close();
  });
});
