import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { sendChunks, startSession } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { chromiumPath, launchChromium, WITHOUT_CHROMIUM } from './browser.ts';

vi.setConfig({ testTimeout: 60_000 });

const RATE = 16_000;
const SECONDS = 20;
/** A tone of 30 ms at the beginning of each second, and silence. */
const BEATS = Buffer.from(
  Int16Array.from({ length: SECONDS * RATE }, (_, index) =>
    index % RATE < 0.03 * RATE ? 12_000 * Math.sin(index * 0.4) : 0,
  ).buffer,
);

let browser: Browser | null = null;
let server: TestServer;
beforeAll(async () => {
  if (chromiumPath === null) return;
  [browser, server] = await Promise.all([launchChromium(chromiumPath), startTestServer()]);
});
afterAll(async () => {
  if (chromiumPath === null) return;
  await browser?.close();
  await server.stop();
});

it('a compressed recording plays in a browser, which jumps in it, with every sound within 20 ms of its time', async ({
  skip,
}) => {
  const opened = browser ?? skip(WITHOUT_CHROMIUM);
  const { client, url } = server;
  const id = await startSession(client);
  await sendChunks(client, id, [BEATS]);
  const query = 'query ($id: ID!) { session(id: $id) { recordingUrl(format: MP4_OPUS) } }';
  const { session } = await client.data<{ session: { recordingUrl: string } }>(query, { id });
  const page = await opened.newPage();
  await page.goto(`${url}/health`);

  const jumped = await page.evaluate(async (source) => {
    const player = new Audio(source);
    const happened = (event: string) =>
      new Promise((resolve) => player.addEventListener(event, resolve, { once: true }));
    await happened('loadedmetadata');
    player.currentTime = 15.5;
    await happened('seeked');
    return { at: player.currentTime, duration: player.duration };
  }, session.recordingUrl);
  expect(jumped.at).toBe(15.5);
  expect(Math.abs(jumped.duration - SECONDS)).toBeLessThan(0.02);

  const offsets = await page.evaluate(
    async ({ source, seconds }) => {
      const file = await (await fetch(source)).arrayBuffer();
      const rate = 48_000;
      const samples = (await new OfflineAudioContext(1, rate, rate).decodeAudioData(file)).getChannelData(0);
      return Array.from({ length: seconds - 1 }, (_, index) => {
        const second = index + 1;
        let energy = 0;
        let moment = 0;
        for (let at = (second - 0.1) * rate; at < (second + 0.2) * rate; at += 1) {
          const power = (samples[Math.round(at)] ?? 0) ** 2;
          energy += power;
          moment += power * at;
        }
        return moment / energy / rate - second - 0.015;
      });
    },
    { source: session.recordingUrl, seconds: SECONDS },
  );
  expect(Math.max(...offsets.map(Math.abs))).toBeLessThan(0.02);
  await page.close();
});
