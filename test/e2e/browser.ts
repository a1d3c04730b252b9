import { existsSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export const chromiumPath = EXECUTABLES.find((path) => existsSync(path)) ?? null;
export const WITHOUT_CHROMIUM = `no Chromium at ${EXECUTABLES.join(' or ')}`;

/**
 * Arguments for a microphone that plays a WAV file once, from its beginning whenever it is opened.
 * @param isOpenToAll every page may use it; without that, those of a context with the permission
 */
export function microphoneOf(file: string, isOpenToAll = true): string[] {
  return [
    '--use-fake-device-for-media-stream',
    ...(isOpenToAll ? ['--use-fake-ui-for-media-stream'] : []),
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

/** A page that can reach `origin` and nothing else. @param opener a browser, or a context of one: pages of it share what they keep */
export async function openPageWithin(
  opener: Browser | BrowserContext,
  origin: string,
): Promise<{ page: Page; trespasses: Trespasses }> {
  const page = await opener.newPage();
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

/** What axe finds wrong with the page as it is, in the dark and in the light. */
export async function findings(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ['dark', 'light'] as const) {
    // Without motion no colour is caught on its way to another.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    for (const { id, nodes } of violations)
      found.push(`${colorScheme}: ${id} ${nodes.map(({ html }) => html).join(' ')}`);
  }
  return found;
}
