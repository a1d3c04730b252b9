import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { endSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { interleave } from '../support/recognition.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';
import { BreakableConnection } from './breakable-connection.ts';
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
});
afterAll(async () => {
  await browser?.close();
  if (chromiumPath !== null) await server.stop();
});

function addressOf(sessionId: string, origin = server.url): string {
  return `${origin}/sessions/${encodeURIComponent(sessionId)}`;
}

async function recordedSession(
  title: string | null,
  chunks = speechChunks(['alpha', 'bravo', PAUSE]),
): Promise<string> {
  const sessionId = await startSession(server.client, { title });
  const { nextSequence } = await sendChunks(server.client, sessionId, chunks);
  await endSession(server.client, sessionId, nextSequence);
  return sessionId;
}

describe('GraphiQL', () => {
  it('works without the internet, subscriptions included', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const { client } = server;
    const sessionId = await startSession(client, { title: 'In GraphiQL' });
    const chunks = speechChunks(['alpha', 'bravo', PAUSE]);
    await sendChunks(client, sessionId, chunks);

    const { page, trespasses } = await openPageWithin(opened, server.url);
    const query = `subscription { segmentAdded(sessionId: "${sessionId}", fromStart: true) { text kind } }`;
    await page.goto(`${server.url}/graphql?query=${encodeURIComponent(query)}`);
    await page.getByRole('button', { name: /execute query/iu }).click();
    await page.getByText('alpha bravo').first().waitFor();
    await endSession(client, sessionId);
    expect(trespasses.foreignRequests).toEqual([]);
    await page.close();
  });
});

describe('the dashboard', () => {
  it('leads whoever has recorded nothing to the first recording', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const empty = await startTestServer();
    const { page, trespasses } = await openPageWithin(opened, empty.url);
    await page.goto(empty.url);
    await page.getByText('Nothing has been recorded yet.').waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByRole('link', { name: 'Make the first recording' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor();
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close();
    await empty.stop();
  });

  it('finds sessions by title and status, orders them, and shows titles as they are', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    await recordedSession('<b>Not bold</b>');
    await recordedSession('Zebra crossing', speechChunks(['alpha', 'bravo', 'charlie', PAUSE]));
    const running = await startSession(server.client, { title: 'Aardvark, live' });
    const { page, trespasses } = await openPageWithin(opened, server.url);
    await page.goto(`${server.url}/dashboard`);
    const titles = () => page.locator('.row :is(h2, h3)').allTextContents();
    const untilListed = (wanted: (shown: string[]) => boolean) =>
      until(async () => wanted(await titles()), { timeoutMs: PATIENCE_MS, what: 'the list' });

    await page.getByRole('link', { name: '<b>Not bold</b>' }).waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByRole('searchbox').fill('zebra');
    await untilListed((shown) => shown.length === 1 && shown[0] === 'Zebra crossing');
    await page.getByText('1 title', { exact: true }).waitFor();
    expect(await page.locator('.row-facts').textContent()).toContain('3 words');
    await page.getByRole('searchbox').fill('');
    await page.getByLabel('Status').selectOption('Live now');
    await untilListed((shown) => shown.includes('Aardvark, live') && !shown.includes('Zebra crossing'));
    await page.getByLabel('Status').selectOption('All');
    await page.getByLabel('Order').selectOption('By title');
    await untilListed((shown) => shown[0] === '<b>Not bold</b>' && shown.includes('Zebra crossing'));
    await page.reload();
    await untilListed((shown) => shown[0] === '<b>Not bold</b>');
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await endSession(server.client, running);
    await page.close();
  });

  it('shows as many sessions as there are, of which the page holds only those in sight', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const many = await startTestServer({ maxOpenSessions: 200 });
    for (let index = 0; index < 120; index++) {
      await endSession(many.client, await startSession(many.client, { title: `Number ${index}` }));
    }
    const { page } = await openPageWithin(opened, many.url);
    await page.goto(`${many.url}/dashboard`);
    await page.getByText('120 recordings').waitFor();
    await page.getByText('Number 119').waitFor();
    await until(
      async () => {
        await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
        return page.getByText('Number 0', { exact: true }).isVisible();
      },
      { timeoutMs: PATIENCE_MS, what: 'the oldest session' },
    );
    expect(await page.locator('.row').count()).toBeLessThan(60);
    // Who opens one, and comes back, is where they were.
    await until(() => page.evaluate('history.state?.firstRow > 0'), { timeoutMs: PATIENCE_MS });
    await page.getByText('Number 0', { exact: true }).click();
    await page.getByRole('heading', { name: 'Number 0', level: 1 }).waitFor();
    await page.goBack();
    await page.getByText('Number 1', { exact: true }).waitFor();
    await page.close();
    await many.stop();
  });
});

describe('the page of a session', () => {
  it('shows what is being said, settles it, and loses nothing when the connection breaks', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const { client } = server;
    const network = await BreakableConnection.to(server.url);
    const sessionId = await startSession(client, { title: 'Live' });
    const first = speechChunks(['alpha', 'bravo', PAUSE]);
    const second = speechChunks(['charlie', 'delta', PAUSE]);
    const third = speechChunks(['echo', 'foxtrot', PAUSE]);
    const draft = speechChunks(['golf', 'hotel', 'india', 'juliett', 'kilo']);
    const { page, trespasses } = await openPageWithin(opened, network.url);
    await page.goto(addressOf(sessionId, network.url));
    await page.getByText('Nothing was said yet.').waitFor();
    const finals = page.locator('.segment[data-kind=FINAL] p');
    const interim = page.locator('.segment[data-kind=INTERIM] p');

    let { nextSequence } = await sendChunks(client, sessionId, first);
    await page.getByText('alpha bravo').first().waitFor();
    network.cut();
    ({ nextSequence } = await sendChunks(client, sessionId, second, nextSequence));
    await page.getByText('charlie delta').first().waitFor();
    network.cut();
    ({ nextSequence } = await sendChunks(client, sessionId, third, nextSequence));
    await finals.nth(2).waitFor();
    expect(await finals.allTextContents()).toEqual(['alpha bravo', 'charlie delta', 'echo foxtrot']);

    const announced = page.getByTestId('announcer');
    await until(async () => (await announced.textContent()) === 'echo foxtrot', { timeoutMs: PATIENCE_MS });
    ({ nextSequence } = await sendChunks(client, sessionId, draft, nextSequence));
    await interim.getByText('golf').first().waitFor();
    expect(await announced.textContent()).toBe('echo foxtrot');
    expect(await findings(page)).toEqual([]);
    const colourOf = (text: string) =>
      `getComputedStyle(document.querySelector('.segment[data-kind=${text}] p')).color`;
    expect(await page.evaluate(colourOf('INTERIM'))).not.toBe(await page.evaluate(colourOf('FINAL')));

    await endSession(client, sessionId, nextSequence);
    await page.getByText('nothing missing').waitFor();
    await finals.nth(3).waitFor();
    expect((await finals.allTextContents()).at(-1)).toBe('golf hotel india juliett kilo');
    expect(await interim.count()).toBe(0);
    expect(trespasses.foreignRequests).toEqual([]);
    await page.close();
    await network.close();
  });

  it('is searched, exported and read by keyboard, with its account in words', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const script = Array.from({ length: 40 }, () => ['alpha', 'bravo', PAUSE, 'green', PAUSE] as const).flat();
    const sessionId = await recordedSession('To be read', speechChunks(script, 1_000));
    const { page, trespasses } = await openPageWithin(opened, server.url);
    await page.goto(addressOf(sessionId));
    await page.getByText(/recorded, .* speech, nothing missing/u).waitFor();
    await page.getByText(/^120 words, \d+ a minute, \d+ % confidence$/u).waitFor();

    await page.keyboard.press('/');
    await page.keyboard.type('GREEN');
    await page.getByText('1 of 40').waitFor();
    await page.keyboard.press('Shift+Enter');
    await page.getByText('40 of 40').waitFor();
    await until(() => page.locator('mark.current').isVisible(), { timeoutMs: PATIENCE_MS, what: 'the last hit' });
    expect(await findings(page)).toEqual([]);

    await page.getByText('Export', { exact: true }).click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Spreadsheet, CSV').click()]);
    expect(download.suggestedFilename()).toBe('To be read.csv');
    const stream = await download.createReadStream();
    expect(Buffer.concat(await stream.toArray()).toString()).toContain('alpha bravo');

    await page.getByText('Export', { exact: true }).click();
    const [sound] = await Promise.all([page.waitForEvent('download'), page.getByText('Sound, compact').click()]);
    expect(sound.suggestedFilename()).toBe('To be read.m4a');
    expect(Buffer.concat(await (await sound.createReadStream()).toArray()).toString('latin1', 4, 8)).toBe('ftyp');
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close();
  });

  it('says who speaks on which of two channels', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const { client } = server;
    const audio = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 };
    const sessionId = await startSession(client, { audio, speakers: [null, '<b>Ann</b>'] });
    const bytes = interleave(
      synthesiseToneSpeech(['alpha', PAUSE], 16_000),
      synthesiseToneSpeech([{ silenceMs: 500 }, 'bravo', PAUSE], 16_000),
    );
    await sendChunks(client, sessionId, [Buffer.from(bytes)]);
    await endSession(client, sessionId, 1);
    const { page } = await openPageWithin(opened, server.url);
    await page.goto(addressOf(sessionId));
    const shown = page.locator('.segment');
    await shown.nth(1).waitFor();
    expect(await shown.locator('.voice').allTextContents()).toEqual(['Channel 1', '<b>Ann</b>']);
    expect(await shown.locator('p').allTextContents()).toEqual(['alpha', 'bravo']);
    await page.close();
  });

  it('says when there is no such session', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const { page } = await openPageWithin(opened, server.url);
    await page.goto(addressOf('U2Vzc2lvbjpub3doZXJl'));
    await page.getByRole('heading', { name: 'There is no such recording' }).waitFor();
    expect(await findings(page)).toEqual([]);
    await page.goto(`${server.url}/sessions/%E0`);
    await page.getByRole('heading', { name: 'There is no such recording' }).waitFor();
    await page.close();
  });
});

describe('a server that wants a token', () => {
  it('is asked with the token that was typed once, also after a reload', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const guarded = await startTestServer({ authToken: 'a-token-for-this-page' });
    const sessionId = await startSession(guarded.client, { title: 'Guarded' });
    const { page } = await openPageWithin(opened, guarded.url);
    // Before anyone has begun to speak.
    await page.goto(`${guarded.url}/live`);
    await page.getByRole('textbox', { name: 'Token' }).waitFor();
    await page.goto(addressOf(sessionId, guarded.url));
    await page.getByRole('textbox', { name: 'Token' }).fill('another-than-that');
    expect(await findings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('The server does not take that token.').waitFor();
    await page.getByRole('textbox', { name: 'Token' }).fill('a-token-for-this-page');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: 'Guarded' }).waitFor();
    await page.getByText('Nothing was said yet.').waitFor();
    await page.goto(guarded.url);
    await page.getByRole('link', { name: 'Guarded' }).waitFor();
    expect(await page.getByRole('textbox', { name: 'Token' }).count()).toBe(0);
    await page.close();
    await guarded.stop();
  });
});
