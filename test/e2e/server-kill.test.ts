import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { wavHeader } from '../../src/audio/wav.ts';
import { dataOf, GraphqlClient } from '../support/graphql-client.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { chromiumPath, launchChromium, microphoneOf, openPageWithin, WITHOUT_CHROMIUM } from './browser.ts';

/** Programs and browsers start slowly on a busy machine. */
const PATIENCE_MS = 60_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS, hookTimeout: PATIENCE_MS });

const FORMAT = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
const WAV_HEADER_BYTES = 44;
const WORDS =
  'she opened the window and looked at the garden the weather was beautiful this morning so we walked along the river';

const STORED = `{ sessions(first: 2) { edges { node {
  status coverage { receivedMs gapMs failedMs pendingMs }
  segments(first: 50) { edges { node { sequence text } } }
} } } }`;

interface Stored {
  readonly status: string;
  readonly coverage: Readonly<Record<'receivedMs' | 'gapMs' | 'failedMs' | 'pendingMs', number>>;
  readonly segments: { readonly edges: readonly { readonly node: { sequence: number; text: string } }[] };
}

function silence(seconds: number): Buffer {
  return Buffer.alloc(2 * Math.round(seconds * FORMAT.sampleRate));
}

async function spoken(name: string): Promise<Buffer> {
  return (await readFile(new URL(`../fixtures/${name}`, import.meta.url))).subarray(WAV_HEADER_BYTES);
}

function wordsOf(texts: readonly string[]): string {
  return texts.join(' ').toLowerCase().replaceAll(/[.,]/gu, '');
}

describe('a person who records while the server is killed and started again', () => {
  let folder: string;
  let server: ServerProcess | null = null;
  let browser: Browser | null = null;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'verbatim-kill-'));
  });
  afterEach(async () => {
    await browser?.close();
    await server?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (port: string) => startServerProcess(join(folder, 'data'), { MODEL: 'tiny', PORT: port });

  it('is told so, and has all that was said exactly once', async ({ skip }) => {
    const chromium = chromiumPath ?? skip(WITHOUT_CHROMIUM);
    const speech = Buffer.concat([silence(1), await spoken('garden.wav'), silence(1.5), await spoken('river.wav')]);
    const microphone = join(folder, 'speech.wav');
    await writeFile(microphone, Buffer.concat([wavHeader(FORMAT, speech.length), speech]));
    [browser, server] = await Promise.all([launchChromium(chromium, microphoneOf(microphone)), start('0')]);
    const { url } = server;
    const { page } = await openPageWithin(browser, url);
    await page.goto(`${url}/live`);
    await page.getByRole('button', { name: 'Start' }).click();
    const finals = page.locator('.caption[data-kind=FINAL]');
    await finals.first().waitFor();
    const before = await finals.allTextContents();

    await server.kill();
    await page.getByText(/^Reconnecting, [2-9]\d? s waiting to be sent$/u).waitFor();
    expect(await finals.allTextContents()).toEqual(before);
    server = await start(new URL(url).port);
    await page.getByText('All saved').waitFor();
    await finals.getByText('river').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Finished, all saved').waitFor();

    const shown = await finals.allTextContents();
    expect(shown.slice(0, before.length)).toEqual(before);
    expect(wordsOf(shown)).toBe(WORDS);
    const client = new GraphqlClient(url);
    const { sessions } = dataOf(await client.request<{ sessions: { edges: { node: Stored }[] } }>(STORED));
    const [session, ...others] = sessions.edges.map(({ node }) => node);
    expect(others).toEqual([]);
    expect(session).toMatchObject({ status: 'COMPLETED', coverage: { gapMs: 0, failedMs: 0, pendingMs: 0 } });
    const segments = session?.segments.edges.map(({ node }) => node) ?? [];
    expect(segments.map(({ text }) => text)).toEqual(shown);
    expect(segments.map(({ sequence }) => sequence)).toEqual(shown.map((_, index) => index + 1));
    // Nothing of the time in between is missing: the recording is as long as the page says that it is.
    const [minutes, seconds] = (await page.getByRole('timer').textContent())?.split(':').map(Number) ?? [];
    expect(Math.floor((session?.coverage.receivedMs ?? 0) / 1_000)).toBe((minutes ?? 0) * 60 + (seconds ?? 0));
    await client.dispose();
  });
});
