import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LiveSessionStatus, Segment } from '../../src/client/index.ts';
import { transcribeUndisturbed } from '../support/client-session.ts';
import { readSession, speechChunks, textsOf } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';
import { BreakableConnection } from './breakable-connection.ts';
import { chromiumPath, launchChromium, microphoneOf, WITHOUT_CHROMIUM } from './browser.ts';
import { serveClientPage, type ClientPage } from './client-page.ts';
import { writeSpeech } from './command-line.ts';

/** Programs and browsers start slowly on a busy machine. */
const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });

/** Until the page records what the microphone hears. */
const BEGINNING = { silenceMs: 1_500 };
const SCRIPT = [BEGINNING, 'alpha', 'bravo', { silenceMs: 700 }, 'charlie', { silenceMs: 700 }] as const;
const TEXTS = ['alpha bravo', 'charlie'];
/** A frame of speech detection, and what an encoder moves the beginning of a tone by. */
const SMEAR_MS = 60;

let browser: Browser | null = null;
let directory: string;
let server: TestServer;
let site: ClientPage;
beforeAll(async () => {
  if (chromiumPath === null) return;
  directory = await mkdtemp(path.join(os.tmpdir(), 'verbatim-microphone-'));
  const speech = path.join(directory, 'microphone.wav');
  await writeSpeech(speech, SCRIPT);
  site = await serveClientPage(new Uint8Array(0));
  [browser, server] = await Promise.all([
    launchChromium(chromiumPath, microphoneOf(speech)),
    startTestServer({ allowedOrigins: [site.origin] }),
  ]);
});
afterAll(async () => {
  if (chromiumPath === null) return;
  await browser?.close();
  await server.stop();
  await site.close();
  await rm(directory, { recursive: true });
});

async function openRecorder(page: Page, serverUrl: string): Promise<void> {
  await page.goto(`${site.origin}/?server=${encodeURIComponent(serverUrl)}`);
  await page.waitForFunction('globalThis.recorder !== undefined', null, { timeout: PATIENCE_MS });
}

describe('a page that records with MediaRecorder', () => {
  it('has each word once and at its time, though the server is away and the page loaded anew meanwhile', async ({
    skip,
  }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const chunks = speechChunks(SCRIPT);
    const reference = await transcribeUndisturbed(server.url, chunks);
    const network = await BreakableConnection.to(server.url);
    const page = await opened.newPage();
    await openRecorder(page, network.url);
    const externalId = await page.evaluate<string>('recorder.startMicrophone()');
    await until(async () => (await finalsOf(page)).length > 0, {
      timeoutMs: PATIENCE_MS,
      what: 'words while recording',
    });
    // The second sentence is recorded, and not sent.
    await network.close();
    const lengthMs = chunks.length * 100;
    await until(async () => (await statusOf(page)).writtenMs > lengthMs, { timeoutMs: PATIENCE_MS });
    expect((await statusOf(page)).bufferedMs).toBeGreaterThan(0);

    await openRecorder(page, network.url);
    const back = await BreakableConnection.to(server.url, Number(new URL(network.url).port));
    await until(async () => (await page.evaluate<string[]>('recorder.pending()')).includes(externalId), {
      timeoutMs: PATIENCE_MS,
      what: 'the recording that was cut off',
    });
    // The microphone plays the same again, from its beginning.
    await page.evaluate(`recorder.resumeMicrophone('${externalId}')`);
    await until(async () => (await finalsOf(page)).length >= 2 * TEXTS.length, { timeoutMs: PATIENCE_MS });
    const finals = await page.evaluate<Segment[]>('recorder.stopMicrophone()');
    expect(textsOf(finals)).toEqual([...TEXTS, ...TEXTS]);

    const { coverage } = await readSession(server.client, await page.evaluate<string>('recorder.id()'));
    expect(coverage).toMatchObject({ receivedMs: (await statusOf(page)).writtenMs, failedMs: 0, pendingMs: 0 });
    // What a busy machine did not record in time is a gap by the browser's own clock.
    const toleranceMs = SMEAR_MS + coverage.gapMs;
    for (const run of [finals.slice(0, 2), finals.slice(2)]) {
      expect(Math.abs(distanceMs(run) - distanceMs(reference))).toBeLessThanOrEqual(toleranceMs);
    }
    await page.close();
    await back.close();
  });
});

/** From the beginning of the first sentence to the end of the second. */
function distanceMs([first, second]: readonly Segment[]): number {
  return (second?.endMs ?? Infinity) - (first?.startMs ?? 0);
}

function finalsOf(page: Page): Promise<Segment[]> {
  return page.evaluate<Segment[]>('recorder.finals()');
}

function statusOf(page: Page): Promise<LiveSessionStatus> {
  return page.evaluate<LiveSessionStatus>('recorder.status()');
}
