import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { endSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';
import { chromiumPath, findings, launchChromium, openPageWithin, WITHOUT_CHROMIUM } from './browser.ts';

const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });

const PAUSE = { silenceMs: 1_000 };

let browser: Browser | null = null;
let server: TestServer;
beforeAll(async () => {
  if (chromiumPath === null) return;
  [browser, server] = await Promise.all([launchChromium(chromiumPath), startTestServer()]);
});
afterAll(async () => {
  await browser?.close();
  if (chromiumPath !== null) await server.stop();
});

function addressOf(sessionId: string): string {
  return `${server.url}/sessions/${encodeURIComponent(sessionId)}`;
}

function textsOf(page: Page): Promise<string[]> {
  return page.locator('.segment-said > p').allTextContents();
}

async function untilTexts(page: Page, wanted: readonly string[]): Promise<void> {
  await until(async () => JSON.stringify(await textsOf(page)) === JSON.stringify(wanted), {
    timeoutMs: PATIENCE_MS,
    what: wanted.join(' | '),
  });
}

describe('the transcript of a session', () => {
  it('is corrected in its place, live and afterwards, and gives back what was heard', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const { client } = server;
    const sessionId = await startSession(client, { title: 'To be corrected' });
    let { nextSequence } = await sendChunks(client, sessionId, speechChunks(['alpha', 'bravo', PAUSE]));
    const { page, trespasses } = await openPageWithin(opened, server.url);
    const { page: other } = await openPageWithin(opened, server.url);
    await Promise.all([page.goto(addressOf(sessionId)), other.goto(addressOf(sessionId))]);
    await Promise.all([untilTexts(page, ['alpha bravo']), untilTexts(other, ['alpha bravo'])]);

    const edit = page.getByRole('button', { name: /^Edit what was said at/u });
    const field = page.getByRole('textbox', { name: /^What was said at/u });
    await edit.first().focus();
    await page.keyboard.press('Enter');
    await field.waitFor();
    await page.keyboard.type(' and more');
    // What can't be saved is kept, and said so.
    await page.route('**/graphql', (route) => route.abort());
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The server does not answer. Nothing was changed: try again.').waitFor();
    await page.unroute('**/graphql');
    expect(await field.inputValue()).toBe('alpha bravo and more');
    await page.keyboard.press('Escape');
    await untilTexts(page, ['alpha bravo']);
    await until(() => edit.first().evaluate((button) => button.matches(':focus')), { timeoutMs: PATIENCE_MS });

    // What comes meanwhile takes nothing of what is typed.
    await edit.first().click();
    await field.fill('Alpha, beta');
    ({ nextSequence } = await sendChunks(client, sessionId, speechChunks(['charlie', PAUSE]), nextSequence));
    await untilTexts(other, ['alpha bravo', 'charlie']);
    expect(await field.inputValue()).toBe('Alpha, beta');
    await page.keyboard.press('Control+Enter');
    await Promise.all([page, other].map((one) => untilTexts(one, ['Alpha, beta', 'charlie'])));
    expect(await edit.first().evaluate((button) => button.matches(':focus'))).toBe(true);
    await other.close();

    await endSession(client, sessionId, nextSequence);
    await page.reload();
    await untilTexts(page, ['Alpha, beta', 'charlie']);
    await page.getByRole('button', { name: 'edited' }).click();
    await page.getByText('Heard as alpha bravo').waitFor();
    await edit.nth(1).click();
    expect(await findings(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Restore original' }).click();
    await untilTexts(page, ['alpha bravo', 'charlie']);
    expect(await page.getByRole('button', { name: 'edited' }).count()).toBe(0);
    expect(trespasses.foreignRequests).toEqual([]);
    expect(trespasses.errors).toEqual([expect.stringContaining('ERR_FAILED')]);
    await page.close();
  });

  it('says who speaks, on a channel or in one place', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const sessionId = await recordedSession();
    const { page, trespasses } = await openPageWithin(opened, server.url);
    await page.goto(addressOf(sessionId));
    const voices = () => page.locator('.voice').allTextContents();
    const untilVoices = (...wanted: string[]) =>
      until(async () => JSON.stringify(await voices()) === JSON.stringify(wanted), {
        timeoutMs: PATIENCE_MS,
        what: wanted.join(' | '),
      });
    await page
      .getByRole('button', { name: /^Edit what was said at/u })
      .first()
      .click();
    await page.getByRole('button', { name: 'Add speaker' }).click();
    const dialog = page.getByRole('dialog', { name: 'Who is speaking?' });
    await dialog.getByRole('combobox', { name: 'Name' }).fill('Ann');
    expect(await findings(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await untilVoices('Ann', 'Ann');
    await page.getByRole('button', { name: 'Cancel' }).click();

    await page.getByRole('button', { name: 'Ann' }).nth(1).click();
    await dialog.getByRole('combobox', { name: 'Name' }).fill('Bob');
    await dialog.getByRole('radio', { name: /^only here/u }).check();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await untilVoices('Ann', 'Bob');
    await page.reload();
    await untilVoices('Ann', 'Bob');
    await page.getByRole('button', { name: 'Ann' }).click();
    await dialog.getByRole('combobox', { name: 'Name' }).fill('');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await untilVoices('Bob');
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close();
  });
});

async function recordedSession(): Promise<string> {
  const sessionId = await startSession(server.client);
  const chunks = speechChunks(['alpha', 'bravo', PAUSE, 'charlie', PAUSE]);
  const { nextSequence } = await sendChunks(server.client, sessionId, chunks);
  await endSession(server.client, sessionId, nextSequence);
  return sessionId;
}
