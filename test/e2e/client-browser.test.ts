import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LiveSessionStatus, Segment } from '../../src/client/index.ts';
import { accountOf, transcribeUndisturbed } from '../support/client-session.ts';
import { speechChunks } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';
import { BreakableConnection } from './breakable-connection.ts';
import { chromiumPath, launchChromium, WITHOUT_CHROMIUM } from './browser.ts';
import { serveClientPage, type ClientPage } from './client-page.ts';

/** Programs and browsers start slowly on a busy machine. */
const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });

const PAUSE = { silenceMs: 700 };
const SCRIPT = [
  ...(['alpha', 'bravo', PAUSE, 'charlie', PAUSE, 'delta', 'echo', PAUSE] as const),
  ...(['foxtrot', PAUSE, 'golf', 'hotel', PAUSE] as const),
];
const CHUNKS = speechChunks(SCRIPT);
const LENGTH_MS = CHUNKS.length * 100;

let browser: Browser | null = null;
let server: TestServer;
let site: ClientPage;
beforeAll(async () => {
  if (chromiumPath === null) return;
  site = await serveClientPage(Buffer.concat(CHUNKS));
  [browser, server] = await Promise.all([
    launchChromium(chromiumPath),
    startTestServer({ allowedOrigins: [site.origin] }),
  ]);
});
afterAll(async () => {
  if (chromiumPath === null) return;
  await browser?.close();
  await server.stop();
  await site.close();
});

async function openRecorder(page: Page, serverUrl: string): Promise<Page> {
  await page.goto(`${site.origin}/?server=${encodeURIComponent(serverUrl)}`);
  await page.waitForFunction('globalThis.recorder !== undefined', null, { timeout: PATIENCE_MS });
  return page;
}

async function crash(page: Page, context: BrowserContext): Promise<Page> {
  const crashed = page.waitForEvent('crash');
  await page.goto('chrome://crash').catch(() => undefined);
  await crashed;
  return context.newPage();
}

async function close(page: Page, context: BrowserContext): Promise<Page> {
  await page.close();
  return context.newPage();
}

describe('a page that records', () => {
  it.for<[string, (page: Page, context: BrowserContext) => Promise<Page>]>([
    ['its tab crashes', crash],
    ['it is closed', close],
    ['it is loaded anew', async (page: Page) => page],
  ])('loses no word when %s while the network is away: the next page sends the rest', async ([, leave], { skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const network = await BreakableConnection.to(server.url);
    const undisturbed = await transcribeUndisturbed(server.url, CHUNKS);
    const context = await opened.newContext();
    const first = await openRecorder(await context.newPage(), network.url);
    const externalId = await first.evaluate<string>('recorder.start()');
    await first.evaluate('recorder.write(0, 2000)');
    await until(async () => (await statusOf(first)).acknowledgedMs > 0, { timeoutMs: PATIENCE_MS });
    expect(await first.evaluate('recorder.pending()')).toEqual([]);
    // Some of it is under way, and some was never sent.
    await first.evaluate('recorder.write(2000, 2500)');
    await network.close();
    await first.evaluate('recorder.write(2500, 4000)');
    expect((await statusOf(first)).bufferedMs).toBeGreaterThanOrEqual(1_500);

    const second = await leave(first, context);
    const back = await BreakableConnection.to(server.url, Number(new URL(network.url).port));
    await openRecorder(second, network.url);
    await until(async () => (await second.evaluate<string[]>('recorder.pending()')).includes(externalId), {
      timeoutMs: PATIENCE_MS,
      what: 'the recording that was cut off',
    });
    await second.evaluate(`recorder.resume('${externalId}')`);
    await second.evaluate(`recorder.write(4000, ${LENGTH_MS})`);
    const finals = await second.evaluate<Segment[]>('recorder.end()');
    expect(accountOf(finals)).toEqual(accountOf(undisturbed));
    expect(await statusOf(second)).toMatchObject({ session: 'COMPLETED', writtenMs: LENGTH_MS, lostMs: 0 });
    expect(await second.evaluate('recorder.pending()')).toEqual([]);
    await context.close();
    await back.close();
  });

  it('can be open in two tabs: a recording belongs to one of them', async ({ skip }) => {
    const context = await (browser ?? skip(WITHOUT_CHROMIUM)).newContext();
    const first = await openRecorder(await context.newPage(), server.url);
    const second = await openRecorder(await context.newPage(), server.url);
    const externalId = await first.evaluate<string>('recorder.start()');
    await first.evaluate('recorder.write(0, 1000)');
    expect(await second.evaluate('recorder.pending()')).toEqual([]);
    await expect(second.evaluate(`recorder.resume('${externalId}')`)).rejects.toThrow(/is under way already/u);
    await first.evaluate('recorder.end()');
    await context.close();
  });
});

function statusOf(page: Page): Promise<LiveSessionStatus> {
  return page.evaluate<LiveSessionStatus>('recorder.status()');
}
