import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { endSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { interleave } from '../support/recognition.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';
import { BreakableConnection } from './breakable-connection.ts';
import { chromiumPath, launchChromium, openPageWithin, WITHOUT_CHROMIUM } from './browser.ts';

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

describe('the page of recent sessions', () => {
  it('links to GraphiQL and to each session, and obeys a strict content policy', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const sessionId = await startSession(server.client, { title: '<b>Not bold</b>' });
    await endSession(server.client, sessionId);
    const { page, trespasses } = await openPageWithin(opened, server.url);
    await page.goto(server.url);
    await page.getByRole('link', { name: '<b>Not bold</b>' }).click();
    await page.getByRole('heading', { name: '<b>Not bold</b>' }).waitFor();
    await page.getByText('The session is over; nothing was said.').waitFor();
    await page.goBack();
    expect(await page.getByRole('link', { name: 'Open GraphiQL' }).getAttribute('href')).toBe('/graphql');
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close();
  });
});

describe('the live page', () => {
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
    await page.goto(`${network.url}/live?session=${encodeURIComponent(sessionId)}`);
    await page.getByText('Live', { exact: true }).last().waitFor();
    const finals = page.locator('#finals p span');
    const interims = page.locator('#interims p span');

    let { nextSequence } = await sendChunks(client, sessionId, first);
    await until(async () => (await finals.allTextContents()).length === 1, {
      timeoutMs: PATIENCE_MS,
      what: 'the first final',
    });

    network.cut();
    ({ nextSequence } = await sendChunks(client, sessionId, second, nextSequence));
    await page.getByText('charlie delta').waitFor();
    network.cut();
    ({ nextSequence } = await sendChunks(client, sessionId, third, nextSequence));
    await page.getByText('echo foxtrot').waitFor();
    expect(await finals.allTextContents()).toEqual(['alpha bravo', 'charlie delta', 'echo foxtrot']);

    ({ nextSequence } = await sendChunks(client, sessionId, draft, nextSequence));
    await until(async () => (await interims.allTextContents()).join('').includes('golf'), {
      timeoutMs: PATIENCE_MS,
      what: 'an interim',
    });
    const colours = await page.evaluate(() =>
      ['#finals p', '#interims p'].map((selector) => {
        const element = document.querySelector(selector);
        return element === null ? null : getComputedStyle(element).color;
      }),
    );
    expect(colours[1]).not.toBe(colours[0]);

    await endSession(client, sessionId, nextSequence);
    await page.getByText('The session is over.').waitFor();
    expect((await finals.allTextContents()).at(-1)).toBe('golf hotel india juliett kilo');
    expect(await interims.count()).toBe(0);
    expect(trespasses.foreignRequests).toEqual([]);
    await page.close();
    await network.close();
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
    await page.goto(`${server.url}/live?session=${encodeURIComponent(sessionId)}`);
    await page.getByText('The session is over.').waitFor();
    const shown = page.locator('#finals p');
    expect(await shown.locator('b').allTextContents()).toEqual(['Channel 0', '<b>Ann</b>']);
    expect(await shown.locator('span').allTextContents()).toEqual(['alpha', 'bravo']);
    await page.close();
  });

  it('asks for the token of a server that wants one, and keeps it for the tab', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const guarded = await startTestServer({ authToken: 'a-token-for-this-page' });
    const sessionId = await startSession(guarded.client, { title: 'Guarded' });
    const { page } = await openPageWithin(opened, guarded.url);
    await page.goto(`${guarded.url}/live?session=${encodeURIComponent(sessionId)}`);
    await page.getByLabel('This server asks for its token.').fill('another-than-that');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByLabel('This server asks for its token.').fill('a-token-for-this-page');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: 'Guarded' }).waitFor();
    await page.goto(guarded.url);
    await page.getByRole('link', { name: 'Guarded' }).waitFor();
    expect(await page.getByLabel('This server asks for its token.').isVisible()).toBe(false);
    await page.close();
    await guarded.stop();
  });

  it('says which session it lacks', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const { page } = await openPageWithin(opened, server.url);
    const status = page.getByRole('status');
    await page.goto(`${server.url}/live`);
    await until(async () => (await status.textContent())?.startsWith('Which session?'), {
      timeoutMs: PATIENCE_MS,
      what: 'the question',
    });
    await page.goto(`${server.url}/live?session=U2Vzc2lvbjpub3doZXJl`);
    await page.getByText('There is no such session.').waitFor();
    expect(await page.locator('#finals p').count()).toBe(0);
    await page.close();
  });
});
