import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export const chromiumPath = EXECUTABLES.find((path) => existsSync(path)) ?? null;
export const WITHOUT_CHROMIUM = `no Chromium at ${EXECUTABLES.join(' or ')}`;

/** Arguments for a microphone that plays a WAV file once, from its beginning whenever it is opened; pages may use it. */
export function microphoneOf(file: string): string[] {
  return [
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-audio-capture=${file}%noloop`,
  ];
}

export function launchChromium(executablePath: string, args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      // Chromium refuses its sandbox to root, which is whom containers run as.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...args,
    ],
  });
}

/** What a page did that it should not have. */
export interface Trespasses {
  /** Addresses that are not of `origin`; none of them was let through. */
  readonly foreignRequests: string[];
  /** Errors that its scripts threw or the browser complained about, a refusal of its content policy included. */
  readonly errors: string[];
}

/** A page that can reach `origin` and nothing else. */
export async function openPageWithin(
  browser: Browser,
  origin: string,
): Promise<{ page: Page; trespasses: Trespasses }> {
  const page = await browser.newPage();
  const trespasses: Trespasses = { foreignRequests: [], errors: [] };
  await page.route('**/*', async (route) => {
    const url = route.request().url();
    if (new URL(url).origin === origin || /^(data|blob):/u.test(url)) return route.continue();
    trespasses.foreignRequests.push(url);
    return route.abort();
  });
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== new URL(origin).host) trespasses.foreignRequests.push(socket.url());
  });
  page.on('pageerror', (error) => trespasses.errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') trespasses.errors.push(message.text());
  });
  return { page, trespasses };
}
