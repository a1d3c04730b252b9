import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openAudio } from '../../src/cli/open-audio.ts';
import { transcribeFile } from '../../src/cli/transcribe-file.ts';
import type { Segment } from '../../src/client/index.ts';
import { TONE_SENTENCES, toneContainers, toneWav } from '../support/containers.ts';
import { readSession, textsOf } from '../support/operations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Encoders move the beginning of a tone by as much as this. */
const SMEAR_MS = 40;

let directory: string;
let server: TestServer;
let ofWav: Segment[];
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'verbatim-transcribe-file-'));
  server = await startTestServer();
  ofWav = (await transcribe('WAV', toneWav())).finals;
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

async function transcribe(name: string, bytes: Uint8Array) {
  const file = path.join(directory, name);
  await writeFile(file, bytes);
  const audio = await openAudio(file, 'mix');
  const finals: Segment[] = [];
  const id = await transcribeFile(
    { url: new URL('/graphql', server.url), token: null },
    audio,
    { externalId: name, title: null, language: 'en', speed: Infinity },
    {
      onSegment: (segment) => void (segment.kind === 'FINAL' && finals.push(segment)),
      onProgress: () => undefined,
      onSetback: (error) => {
        throw error;
      },
    },
    new AbortController().signal,
  );
  await audio.close();
  const { coverage } = await readSession(server.client, id);
  return { finals, coverage, durationMs: audio.durationMs };
}

describe('a file that is transcribed', () => {
  it.each(toneContainers().filter(({ name }) => name !== 'WAV'))(
    'as $name has the words of the same recording as WAV, and their times',
    async ({ name, bytes }) => {
      const { finals, coverage, durationMs } = await transcribe(name, bytes);
      expect(textsOf(finals)).toEqual(TONE_SENTENCES);
      for (const [index, final] of finals.entries()) {
        const same = ofWav[index];
        expect(Math.abs(final.startMs - (same?.startMs ?? Infinity))).toBeLessThanOrEqual(SMEAR_MS);
        expect(Math.abs(final.endMs - (same?.endMs ?? Infinity))).toBeLessThanOrEqual(SMEAR_MS);
        expect(final.words.map(({ text }) => text)).toEqual(same?.words.map(({ text }) => text));
      }
      expect(coverage).toMatchObject({ receivedMs: durationMs, gapMs: 0, failedMs: 0, pendingMs: 0 });
    },
  );

  it('and was cut off has the words up to there', async () => {
    const [webm] = toneContainers();
    const { finals } = await transcribe('cut off', webm?.bytes.subarray(0, 20_001) ?? Buffer.alloc(0));
    const texts = textsOf(finals);
    expect(texts.length).toBeGreaterThan(3);
    expect(texts.slice(0, -1)).toEqual(TONE_SENTENCES.slice(0, texts.length - 1));
  });
});
