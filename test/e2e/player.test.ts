import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseWavHeader } from '../../src/audio/wav.ts';
import { endSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';
import {
  chromiumPath,
  findings,
  launchChromium,
  openPageWithin,
  WITHOUT_CHROMIUM,
  type Trespasses,
} from './browser.ts';

/** Programs and browsers start slowly on a busy machine. */
const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });

const PAUSE = { silenceMs: 900 };

let browser: Browser | null = null;
let server: TestServer;
beforeAll(async () => {
  if (chromiumPath === null) return;
  // What is measured here begins without a person's press as well.
  [browser, server] = await Promise.all([
    launchChromium(chromiumPath, ['--autoplay-policy=no-user-gesture-required']),
    startTestServer(),
  ]);
});
afterAll(async () => {
  await browser?.close();
  if (chromiumPath !== null) await server.stop();
});

const eventually = <T>(condition: () => Promise<T>, what: string) => until(condition, { timeoutMs: PATIENCE_MS, what });

async function completed({ client }: TestServer, chunks: readonly Buffer[], title: string): Promise<string> {
  const sessionId = await startSession(client, { title });
  const { nextSequence } = await sendChunks(client, sessionId, chunks);
  await endSession(client, sessionId, nextSequence);
  await eventually(async () => {
    const { session } = await client.data<{ session: { status: string } }>(
      'query ($id: ID!) { session(id: $id) { status } }',
      { id: sessionId },
    );
    return session.status === 'COMPLETED';
  }, 'the end of the session');
  return sessionId;
}

/** A page with a player that can be used. */
async function openSession(
  opened: Browser,
  { url }: TestServer,
  id: string,
  hash = '',
): Promise<{ page: Page; trespasses: Trespasses }> {
  const { page, trespasses } = await openPageWithin(opened, url);
  await page.goto(`${url}/sessions/${encodeURIComponent(id)}${hash}`);
  await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
  return { page, trespasses };
}

/** In seconds, of what makes the sound. */
const time = (page: Page) => page.evaluate<number>(`document.querySelector('audio').currentTime`);
const isPlaying = (page: Page) => page.evaluate<boolean>(`!document.querySelector('audio').paused`);
const highlighted = (page: Page) =>
  page.evaluate<string>(`[...(CSS.highlights.get('spoken-word') ?? [])].map(String).join(' ')`);
const position = (page: Page) => page.getByRole('slider', { name: 'Position in the recording' });
const near =
  (expected: number, tolerance = 0.3) =>
  (given: number) =>
    Math.abs(given - expected) < tolerance;

/** @param word the nth of a segment's words, by what it says */
async function clickWord(page: Page, word: string): Promise<void> {
  const box = await page.evaluate<{ x: number; y: number }>(`(() => {
    for (const p of document.querySelectorAll('.segment-said > p')) {
      const walker = document.createTreeWalker(p, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        const start = node.data.indexOf('${word}');
        if (start === -1) continue;
        const range = document.createRange();
        range.setStart(node, start);
        range.setEnd(node, start + ${word.length});
        const { x, y, width, height } = range.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      }
    }
  })()`);
  await page.mouse.click(box.x, box.y);
}

describe('a recording beside its words', () => {
  it('plays what the recogniser heard, word by word', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const real = await startTestServer({ model: 'tiny' });
    const wav = await readFile(new URL('../fixtures/river.wav', import.meta.url));
    const id = await completed(real, [wav.subarray(parseWavHeader(wav, wav.length)?.dataOffset)], 'By the river');
    const { page, trespasses } = await openSession(opened, real, id);
    const text = (await page.locator('.segment-said > p').first().textContent()) ?? '';
    expect(text).toContain('river');

    await page.evaluate(`
      window.heard = [];
      const note = () => {
        const word = [...(CSS.highlights.get('spoken-word') ?? [])].map(String).join(' ');
        if (word !== '' && heard.at(-1)?.word !== word)
          heard.push({ word, at: document.querySelector('audio').currentTime });
        requestAnimationFrame(note);
      };
      note();
    `);
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await eventually(async () => (await highlighted(page)).startsWith('river'), 'the last word');
    await page.keyboard.press('k');
    expect(await findings(page)).toEqual([]);
    const heard = await page.evaluate<{ word: string; at: number }[]>('heard');
    const { session } = await real.client.data<{
      session: { segments: { edges: { node: { words: { text: string; startMs: number }[] } }[] } };
    }>('query ($id: ID!) { session(id: $id) { segments { edges { node { words { text startMs } } } } } }', { id });
    const words = session.segments.edges.flatMap(({ node }) => node.words);
    // A busy machine may leave a word out that is shorter than its frames.
    expect(heard.length).toBeGreaterThan(words.length / 2);
    for (const { word, at } of heard) {
      const starts = words.filter((one) => one.text === word).map(({ startMs }) => startMs / 1_000);
      expect(Math.min(...starts.map((start) => Math.abs(at - start)))).toBeLessThan(0.5);
    }
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close();
    await real.stop();
  });

  it('marks a word when it is heard', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const id = await completed(server, speechChunks([{ silenceMs: 1_200 }, 'alpha', PAUSE]), 'In time');
    const { page } = await openSession(opened, server, id);
    // Of what the element lets be heard, when it first is anything, and what is marked then.
    await page.evaluate(`
      window.onset = null;
      const audio = document.querySelector('audio');
      const context = new AudioContext();
      const analyser = new AnalyserNode(context, { fftSize: 256 });
      context.createMediaElementSource(audio).connect(analyser).connect(context.destination);
      const samples = new Float32Array(256);
      setInterval(() => {
        analyser.getFloatTimeDomainData(samples);
        if (onset === null && samples.some((sample) => Math.abs(sample) > 0.05)) onset = audio.currentTime;
      }, 2);
    `);
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    const onset = await eventually(() => page.evaluate<number | null>('onset'), 'a sound');
    expect(onset).toBeGreaterThan(1.1);
    expect(onset).toBeLessThan(1.4);
    await eventually(async () => (await highlighted(page)) === 'alpha', 'the word');
    await page.close();
  });

  it('goes where it is told: by a link, a word, a time, a key, the slider', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const delta = Array.from({ length: 40 }, () => ['delta', PAUSE] as const).flat();
    const chunks = speechChunks(['alpha', 'bravo', 'charlie', PAUSE, ...delta], 1_000);
    const id = await completed(server, chunks, 'To go about in');
    const { page, trespasses } = await openSession(opened, server, id, '#t=30');
    const there = page.locator('[data-spoken]');
    await eventually(async () => (await there.count()) === 1 && there.isVisible(), 'the moment of the link');
    await position(page).waitFor();
    expect(await position(page).getAttribute('aria-valuetext')).toMatch(/^30 seconds of \d+ seconds$/u);
    expect(await isPlaying(page)).toBe(false);

    // The same page, another moment of it.
    await page.evaluate(`location.hash = '#t=0.3'`);
    await eventually(async () => (await highlighted(page)) === 'bravo', 'the other moment');
    await page.keyboard.press('k');
    await eventually(async () => (await time(page)) > 0.3, 'the sound');
    await page.keyboard.press(' ');
    await eventually(async () => !(await isPlaying(page)), 'the pause');
    for (const [word, seconds] of [
      ['alpha', 0],
      ['charlie', 0.4],
      ['bravo', 0.2],
    ] as const) {
      await clickWord(page, word);
      await eventually(async () => (await highlighted(page)) === word, word);
      expect(near(seconds, 0.05)(await time(page))).toBe(true);
    }
    const second = page.locator('.segment').nth(1).getByRole('button', { name: /^0:0/u });
    await second.focus();
    await page.keyboard.press('Enter');
    await eventually(() => page.locator('.segment').nth(1).and(there).isVisible(), 'the segment of the time');
    const from = await time(page);
    for (const [key, seconds] of [
      ['l', 10],
      ['ArrowRight', 15],
      ['j', 5],
      ['ArrowLeft', 0],
    ] as const) {
      await page.keyboard.press(key);
      await eventually(async () => near(from + seconds)(await time(page)), key);
    }
    await position(page).focus();
    await page.keyboard.press('ArrowRight');
    await eventually(async () => near(from + 5)(await time(page)), 'the slider');
    await page.keyboard.press('End');
    await eventually(async () => (await time(page)) > 35, 'the end');

    // What is typed is typed.
    await page.keyboard.press('/');
    await page.keyboard.type('k zulu?');
    expect(await page.getByRole('searchbox').inputValue()).toBe('k zulu?');
    expect(await isPlaying(page)).toBe(false);
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close();
  });

  it('leaves its text to be selected, and keeps the reader where he looks', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const script = Array.from({ length: 60 }, () => ['alpha', 'bravo', PAUSE] as const).flat();
    const id = await completed(server, speechChunks(script, 1_000), 'To be read');
    const { page } = await openSession(opened, server, id);
    await page.locator('.segment-said > p').nth(2).selectText();
    expect(await page.evaluate('String(getSelection())')).toBe('alpha bravo');
    expect(await time(page)).toBe(0);
    await page.evaluate('getSelection().empty()');

    await page.keyboard.press('k');
    await eventually(async () => (await highlighted(page)) !== '', 'a word');
    await page.mouse.move(300, 300);
    await page.mouse.wheel(0, 1_500);
    const back = page.getByRole('button', { name: 'Jump to what is playing' });
    await back.waitFor();
    await back.click();
    await eventually(() => page.locator('[data-spoken]').first().isVisible(), 'what is playing');
    await back.waitFor({ state: 'detached' });
    await page.close();
  });

  it('is played as fast as one likes, now and the next time, and tells its keys', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const id = await completed(server, speechChunks(['alpha', PAUSE]), 'Fast');
    const { page } = await openSession(opened, server, id);
    await page.getByLabel('Speed').selectOption('2×');
    await page.keyboard.press('Escape');
    await page.locator('h1').click();
    await page.keyboard.press('<');
    await page.reload();
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    const rate = () => page.evaluate<number>(`document.querySelector('audio').playbackRate`);
    await eventually(async () => (await rate()) === 1.75, 'the speed');

    await page.keyboard.press('?');
    await page.getByRole('heading', { name: 'Keys' }).waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByLabel('Use these keys').uncheck();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.keyboard.press('?');
    await page.keyboard.press('<');
    expect(await page.getByRole('heading', { name: 'Keys' }).count()).toBe(0);
    expect(await rate()).toBe(1.75);
    await page.close();
  });

  it('is heard while it is recorded, as far as it has come', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const { client } = server;
    const sessionId = await startSession(client, { title: 'Live' });
    const first = speechChunks(['alpha', 'bravo', PAUSE]);
    let { nextSequence } = await sendChunks(client, sessionId, first);
    const { page } = await openSession(opened, server, sessionId);
    await page.getByText('alpha bravo').first().waitFor();
    await page.keyboard.press('k');
    await page.getByText('That is all up to now.').waitFor();
    const end = await time(page);
    ({ nextSequence } = await sendChunks(client, sessionId, speechChunks(['charlie', PAUSE, PAUSE]), nextSequence));
    await page.getByText('charlie').first().waitFor();
    await page.keyboard.press('k');
    const later = await eventually(async () => (await time(page)) > end + 0.5 && time(page), 'what came since');
    // It did not begin again.
    expect(later).toBeLessThan(end + 2.5);
    await endSession(client, sessionId, nextSequence);
    await page.close();
  });

  it('goes on where it was when its link is too old, or the server was away', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const id = await completed(
      server,
      speechChunks(['alpha', ...Array.from({ length: 20 }, () => PAUSE)], 1_000),
      'Away',
    );
    const { page } = await openSession(opened, server, id, '#t=4');
    let refusals = 0;
    await page.route('**/recording.wav*', async (route) => {
      refusals += 1;
      // The element, and the question why.
      if (refusals <= 2) return route.fulfill({ status: 401 });
      return route.continue();
    });
    await page.keyboard.press('k');
    await eventually(async () => near(4.5, 0.6)(await time(page)) && isPlaying(page), 'the sound');
    expect(refusals).toBeGreaterThan(2);
    await page.close();

    const { page: other } = await openSession(opened, server, id, '#t=6');
    await other.route(/recording\.wav|health/u, (route) => route.abort());
    await other.keyboard.press('k');
    await other.getByText('No connection. It goes on from here when the server answers.').waitFor();
    await other.unroute(/recording\.wav|health/u);
    await eventually(async () => near(6.5, 0.6)(await time(other)) && isPlaying(other), 'the sound again');
    await other.close();
  });

  it('is said to be gone when it was deleted meanwhile, or only its words are kept, to which links still lead', async ({
    skip,
  }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const id = await completed(server, speechChunks(['alpha', PAUSE]), 'Old');
    const { page } = await openSession(opened, server, id);
    await server.client.data(
      'mutation ($input: DeleteSessionInput!) { deleteSession(input: $input) { deletedSessionId } }',
      { input: { sessionId: id } },
    );
    await page.keyboard.press('k');
    await page.getByText('This session was deleted.').waitFor();
    expect(await isPlaying(page)).toBe(false);
    await page.close();

    const script = Array.from({ length: 40 }, () => ['alpha', PAUSE] as const).flat();
    const removed = await completed(server, speechChunks(script, 1_000), 'Older');
    const { page: other } = await openPageWithin(opened, server.url);
    // As the server answers when it has removed a recording that was old enough.
    await other.route('**/graphql', async (route) => {
      const response = await route.fetch();
      const text = await response.text();
      const at = '2026-01-02T03:04:05.000Z';
      await route.fulfill({
        response,
        body: text.replaceAll('"recordingRemovedAt":null', `"recordingRemovedAt":"${at}"`),
      });
    });
    await other.goto(`${server.url}/sessions/${encodeURIComponent(removed)}#t=30`);
    await other.getByText('The recording was removed on 2 Jan 2026').waitFor();
    await eventually(() => other.locator('[data-spoken]').isVisible(), 'the moment of the link');
    expect(await other.getByRole('button', { name: 'Play', exact: true }).count()).toBe(0);
    await other.close();
  });
});
