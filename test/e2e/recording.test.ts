import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { wavHeader } from '../../src/audio/wav.ts';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { TEST_CERTIFICATE } from '../support/certificates.ts';
import { bytesOf } from '../support/recognition.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';
import { BreakableConnection } from './breakable-connection.ts';
import {
  chromiumPath,
  findings,
  launchChromium,
  microphoneOf,
  openPageWithin,
  WITHOUT_CHROMIUM,
  type Trespasses,
} from './browser.ts';

/** Programs and browsers start slowly on a busy machine. */
const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });

const FORMAT = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
/** Three minutes of silence. */
const LONG_FILE_BYTES = 3 * 60 * 32_000;
/** By this name the machine is another one to a browser. */
const ELSEWHERE = 'verbatim.test';
const PAUSE = { silenceMs: 900 };
/** What the microphone hears from the moment that it is opened, which is a little before it is listened to; then silence. */
const SPEECH = [{ silenceMs: 1_000 }, 'alpha', 'bravo', PAUSE, 'charlie', 'delta', PAUSE] as const;
const SAID = ['alpha bravo', 'charlie delta'];

const TRANSCRIPTS = `{ sessions(first: 50) { edges { node {
  title status coverage { receivedMs gapMs failedMs pendingMs } segments(first: 50) { edges { node { text } } }
} } } }`;

interface Transcribed {
  readonly title: string | null;
  readonly status: string;
  readonly coverage: Readonly<Record<'receivedMs' | 'gapMs' | 'failedMs' | 'pendingMs', number>>;
  readonly segments: { readonly edges: readonly { readonly node: { readonly text: string } }[] };
}

let browser: Browser | null = null;
let server: TestServer;
let folder: string;
let recordingFile: string;
beforeAll(async () => {
  if (chromiumPath === null) return;
  folder = await mkdtemp(join(tmpdir(), 'verbatim-microphone-'));
  recordingFile = join(folder, 'speech.wav');
  const samples = bytesOf(synthesiseToneSpeech(SPEECH, FORMAT.sampleRate));
  await writeFile(recordingFile, Buffer.concat([wavHeader(FORMAT, samples.length), samples]));
  [browser, server] = await Promise.all([
    launchChromium(chromiumPath, [
      ...microphoneOf(recordingFile, false),
      `--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`,
    ]),
    startTestServer({ allowedOrigins: [`http://${ELSEWHERE}`] }),
  ]);
});
afterAll(async () => {
  await browser?.close();
  if (chromiumPath === null) return;
  await server.stop();
  await rm(folder, { recursive: true });
});

/** The session of this title, as everybody finds it at the server. */
async function stored(title: string): Promise<Transcribed | null> {
  const { data } = await server.client.request(TRANSCRIPTS);
  const { edges } = (data as { sessions: { edges: { node: Transcribed }[] } }).sessions;
  return edges.map(({ node }) => node).find((session) => session.title === title) ?? null;
}

function textsOf(session: Transcribed | null): string[] {
  return session?.segments.edges.map(({ node }) => node.text) ?? [];
}

async function openRecorder(
  context: BrowserContext,
  origin = server.url,
): Promise<{ page: Page; trespasses: Trespasses }> {
  const opened = await openPageWithin(context, origin);
  await opened.page.goto(`${origin}/live`);
  return opened;
}

async function record(page: Page, title: string): Promise<void> {
  await page.getByLabel('Title').fill(title);
  await page.getByRole('button', { name: 'Start' }).click();
}

const finalsOn = (page: Page) => page.locator('.caption[data-kind=FINAL]');

function hasFocus(element: Element): boolean {
  return element.matches(':focus');
}

describe('a person with a microphone', () => {
  it('records, reads along, stops, finds it again, renames it, and deletes it', async ({ skip }) => {
    const context = await (browser ?? skip(WITHOUT_CHROMIUM)).newContext({ permissions: ['microphone'] });
    const { page, trespasses } = await openRecorder(context);
    await page.getByText('Microphone and language').click();
    expect(await findings(page)).toEqual([]);
    await record(page, 'A walk');
    await page.locator('.caption').first().waitFor();
    await finalsOn(page).nth(1).waitFor();
    expect(await finalsOn(page).allTextContents()).toEqual(SAID);
    await page.getByText('All saved').waitFor();
    expect(await findings(page)).toEqual([]);
    expect(await page.title()).toMatch(/^● 0:[01]\d recording/u);

    // It goes on while another page is looked at.
    await page.getByRole('link', { name: 'Recordings', exact: true }).click();
    await page.getByRole('link', { name: /^Recording 0:[01]\d$/u }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Finished, all saved').waitFor();
    // What was pressed is gone, but not the place of those who go by keyboard; nor on the next page.
    expect(await page.getByRole('group', { name: 'This recording' }).evaluate(hasFocus)).toBe(true);
    await page.getByRole('link', { name: 'Open the transcript' }).click();
    await page.getByText('nothing missing').waitFor();
    expect(await page.getByRole('main').evaluate(hasFocus)).toBe(true);
    await page.locator('.segment').nth(1).waitFor();
    expect(await page.locator('.segment p').allTextContents()).toEqual(SAID);

    await page.getByRole('link', { name: 'Recordings', exact: true }).click();
    await page.getByRole('button', { name: 'Rename A walk' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('A long walk');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: 'A long walk' }).waitFor();
    expect(textsOf(await stored('A long walk'))).toEqual(SAID);

    await page.getByRole('button', { name: 'Delete A long walk' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await until(async () => (await page.getByRole('link', { name: 'A long walk' }).count()) === 0);
    // Something has the focus, so that the next key means something.
    await until(() => page.evaluate('document.activeElement !== document.body'));
    expect(await stored('A long walk')).toBeNull();
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await context.close();
  });

  it('is asked before leaving, and goes on after a reload where it was', async ({ skip }) => {
    const context = await (browser ?? skip(WITHOUT_CHROMIUM)).newContext({ permissions: ['microphone'] });
    const { page } = await openRecorder(context);
    const questions: string[] = [];
    page.on('dialog', (dialog) => {
      questions.push(dialog.type());
      void dialog.accept();
    });
    await record(page, 'Reloaded');
    await finalsOn(page).nth(1).waitFor();
    await page.reload();
    expect(questions).toEqual(['beforeunload']);
    await page.getByText('Reloaded was cut off.').waitFor();
    await page.getByRole('button', { name: 'Go on' }).click();
    await finalsOn(page).nth(3).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused. All saved').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Finished, all saved').waitFor();
    const session = await stored('Reloaded');
    expect(textsOf(session)).toEqual([...SAID, ...SAID]);
    expect(session).toMatchObject({ status: 'COMPLETED', coverage: { gapMs: 0, failedMs: 0, pendingMs: 0 } });
    await context.close();
  });

  it('loses nothing of what was said while the network was away, though the page was closed', async ({ skip }) => {
    const context = await (browser ?? skip(WITHOUT_CHROMIUM)).newContext({ permissions: ['microphone'] });
    const network = await BreakableConnection.to(server.url);
    const { page } = await openRecorder(context, network.url);
    await page.getByRole('button', { name: 'Start' }).waitFor();
    await record(page, 'Cut off');
    await page.getByText('All saved').waitFor();
    await network.close();
    await page.getByText(/^Reconnecting, [4-9] s waiting to be sent$/u).waitFor();
    await page.close({ runBeforeUnload: false });

    const back = await BreakableConnection.to(server.url, Number(new URL(network.url).port));
    const { page: second } = await openRecorder(context, network.url);
    await second.getByRole('button', { name: 'Send the rest and finish' }).click();
    await second.getByText('Finished, all saved').waitFor();
    expect(await finalsOn(second).allTextContents()).toEqual(SAID);
    const session = await stored('Cut off');
    expect(textsOf(session)).toEqual(SAID);
    expect(session).toMatchObject({ status: 'COMPLETED', coverage: { gapMs: 0, failedMs: 0, pendingMs: 0 } });
    await context.close();
    await back.close();
  });

  it('is told what to do when the browser refuses the microphone', async ({ skip }) => {
    const context = await (browser ?? skip(WITHOUT_CHROMIUM)).newContext();
    const { page } = await openRecorder(context);
    await record(page, 'Refused');
    await page.getByText('The microphone is blocked for this page').waitFor();
    await page.getByRole('button', { name: 'Start' }).waitFor();
    expect(await stored('Refused')).toBeNull();
    await context.close();
  });
});

describe('a person at another machine', () => {
  it('records by https', async ({ skip }) => {
    const opened = browser ?? skip(WITHOUT_CHROMIUM);
    const secure = await startTestServer({ tls: TEST_CERTIFICATE, allowedOrigins: [`https://${ELSEWHERE}`] });
    // As in a browser that knows the certificate's authority.
    const context = await opened.newContext({ permissions: ['microphone'], ignoreHTTPSErrors: true });
    const { port } = new URL(secure.url);
    const { page, trespasses } = await openRecorder(context, `https://${ELSEWHERE}:${port}`);
    await record(page, 'From a phone');
    await page.getByText('All saved').waitFor();
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await page.close({ runBeforeUnload: false });
    await context.close();
    await secure.stop();
  });

  it('is told by http why there is no microphone and what to do, and has a file transcribed', async ({ skip }) => {
    const context = await (browser ?? skip(WITHOUT_CHROMIUM)).newContext();
    const { port } = new URL(server.url);
    const { page, trespasses } = await openRecorder(context, `http://${ELSEWHERE}:${port}`);
    await page.getByRole('heading', { name: 'No microphone at this address' }).waitFor();
    await page.getByText(`https://${ELSEWHERE}:${port}`).waitFor();
    expect(await page.getByRole('button', { name: 'Start' }).count()).toBe(0);
    expect(await findings(page)).toEqual([]);
    await page.getByLabel('Audio file').setInputFiles(recordingFile);
    await page.getByText('All transcribed and saved').waitFor();
    expect(await finalsOn(page).allTextContents()).toEqual(SAID);
    expect(textsOf(await stored('speech.wav'))).toEqual(SAID);
    expect(trespasses).toEqual({ foreignRequests: [], errors: [] });
    await context.close();
  });
});

describe('a person with an audio file', () => {
  it('is told when it is none', async ({ skip }) => {
    const context = await (browser ?? skip(WITHOUT_CHROMIUM)).newContext();
    const { page } = await openRecorder(context);
    await page.getByText('Transcribe an audio file').waitFor();
    await drag(page, 'dragover');
    await page.getByText('Drop it, and it is transcribed').waitFor();
    await drag(page, 'drop');
    const advice = page.getByText('This file cannot be read');
    await advice.waitFor();
    expect(await advice.isVisible()).toBe(true);
    await context.close();
  });

  it('may stop it, and has what was sent by then', async ({ skip }) => {
    const context = await (browser ?? skip(WITHOUT_CHROMIUM)).newContext();
    const { page } = await openRecorder(context);
    const samples = Buffer.alloc(LONG_FILE_BYTES);
    const buffer = Buffer.concat([wavHeader(FORMAT, samples.length), samples]);
    await page.getByLabel('Audio file').setInputFiles({ name: 'long.wav', mimeType: 'audio/wav', buffer });
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped. What was sent is transcribed and saved').waitFor();
    const { status, coverage } = (await stored('long.wav')) ?? {};
    expect(status).toBe('COMPLETED');
    expect(coverage?.pendingMs).toBe(0);
    expect(coverage?.receivedMs).toBeLessThan(LONG_FILE_BYTES / 32);
    await context.close();
  });
});

/** A file that is no sound, over the page or let go of there. */
async function drag(page: Page, event: 'dragover' | 'drop'): Promise<void> {
  const dataTransfer = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['not a sound'], 'a.wav', { type: 'audio/wav' }));
    return transfer;
  });
  await page.dispatchEvent('main', event, { dataTransfer });
}
