import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Journal } from '../../src/log/journal.ts';
import { StorageFullError } from '../../src/log/storage-errors.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import type { SessionRequest } from '../../src/services/session-request.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices, type TestServices } from '../support/services.ts';
import { until } from '../support/wait.ts';

const RATE = 16_000;
const CHUNK_BYTES = RATE / 5;
const request: SessionRequest = {
  externalId: 'meeting',
  title: null,
  language: 'en',
  audioFormat: { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 1 },
  speakers: [],
  metadata: null,
};
const pause: ToneSpeechPart = { silenceMs: 800 };

function chunksOf(script: readonly ToneSpeechPart[]): Uint8Array[] {
  const bytes = bytesOf(synthesiseToneSpeech(script, RATE));
  return Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, i) =>
    bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  );
}

function sendAll(services: TestServices, id: string, chunks: readonly Uint8Array[], first = 0) {
  return Promise.all(chunks.map((chunk, i) => services.audio.send(id, first + i, chunk)));
}

async function textsOf({ reader }: TestServices, id: string): Promise<string[]> {
  const all = { afterSequence: 0, beforeSequence: Infinity, limit: 100, fromEnd: false };
  return (await reader.finalsOf({ sessionId: id, ...all })).map(({ text }) => text);
}

/** The next entry that is journalled finds the disk full. */
function failNextJournalEntry(): void {
  vi.spyOn(Journal.prototype, 'append').mockRejectedValueOnce(new StorageFullError('journal.log', new Error('ENOSPC')));
}

describe('a session that could not be opened whole', () => {
  const services = useServices({ idleTimeoutMs: 150 });
  afterEach(() => void vi.restoreAllMocks());

  it('is not open at all, and works when it is asked for again', async () => {
    failNextJournalEntry();
    await expect(services().sessions.start(request)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    const { id } = await services().sessions.start(request);
    await sendAll(services(), id, chunksOf(['alpha', pause]));
    expect(await services().sessions.end(id, null)).toMatchObject({ status: 'COMPLETED', coverage: { pendingMs: 0 } });
    expect(await textsOf(services(), id)).toEqual(['alpha']);
  });

  it('loses no chunk when it fails in the moment of being opened again', async () => {
    const { id } = await services().sessions.start(request);
    const before = chunksOf(['alpha', pause]);
    await sendAll(services(), id, before);
    await until(async () => (await services().reader.session(id))?.status === 'COMPLETED');

    const after = chunksOf(['bravo', pause]);
    failNextJournalEntry();
    const [first = new Uint8Array(0)] = after;
    await expect(services().audio.send(id, before.length, first)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await sendAll(services(), id, after, before.length);
    expect(await services().sessions.end(id, null)).toMatchObject({ status: 'COMPLETED', coverage: { pendingMs: 0 } });
    expect(await textsOf(services(), id)).toEqual(['alpha', 'bravo']);
  });

  it('takes chunks in their order while it is being opened again, whenever they come', async () => {
    const { id } = await services().sessions.start(request);
    const before = chunksOf(['alpha', pause]);
    await sendAll(services(), id, before);
    await until(async () => (await services().reader.session(id))?.status === 'COMPLETED');

    const after = chunksOf(['bravo', 'charlie', pause, 'delta', pause]);
    const sending: Promise<unknown>[] = [];
    for (const [i, chunk] of after.entries()) {
      sending.push(services().audio.send(id, before.length + i, chunk));
      // Spread over the whole time of opening: before, while, and after.
      await delay(1);
    }
    await Promise.all(sending);
    await services().sessions.end(id, before.length + after.length);
    expect(await textsOf(services(), id)).toEqual(['alpha', 'bravo charlie', 'delta']);
  });
});

describe('a session under pressure', () => {
  const services = useServices({ maxDurationMs: 60_000 });

  it('ends when it is told to, while chunks keep coming', async () => {
    const { id } = await services().sessions.start(request);
    let sequence = 0;
    const sendOn = async (): Promise<void> => {
      for (;;) await services().audio.send(id, sequence++, new Uint8Array(32));
    };
    const senders = Promise.allSettled([sendOn(), sendOn(), sendOn()]);
    await until(() => sequence > 20);
    expect(await services().sessions.end(id, null)).toMatchObject({ status: 'COMPLETED' });
    for (const sender of await senders) {
      expect(sender).toMatchObject({ status: 'rejected', reason: { code: 'SESSION_NOT_ACTIVE' } });
    }
  });

  it('takes no more audio than the longest session may have, however it is declared', async () => {
    const { id } = await services().sessions.start(request);
    const skips = await Promise.allSettled([0, 1, 2, 3].map((i) => services().audio.skip(id, i, 45_000)));
    expect(skips.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    expect(skips[2]).toMatchObject({ reason: { code: 'SESSION_NOT_ACTIVE' } });
  });

  it('refuses a cursor that is not its own', async () => {
    const { id } = await services().sessions.start(request);
    await expect(services().sessions.segments(id, 50)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('is left at once by a server that stops, also while its recogniser keeps dying', async () => {
    const { id } = await services().sessions.start(request);
    for (const [sequence, chunk] of chunksOf(['alpha', pause]).entries()) {
      await services().audio.send(id, sequence, chunk);
      services().recogniser.fail();
    }
    const restarted = services().restart();
    const first = await Promise.race([restarted.then(() => 'restarted'), delay(3_000, 'still stopping')]);
    expect(first).toBe('restarted');
    await services().sessions.end(id, null);
    expect(await textsOf(services(), id)).toEqual(['alpha']);
  });
});

describe('stored audio that went bad on the disk', () => {
  const services = useServices();

  it('is shown as failed, and what comes after it is transcribed', async () => {
    const chunks = chunksOf(['alpha', pause, 'bravo', 'charlie', 'delta', pause, 'echo', pause]);
    const { id } = await services().sessions.start(request);
    const sent = 16;
    // One by one, so that each record vouches for those before it.
    for (const [i, chunk] of chunks.slice(0, sent).entries()) await services().audio.send(id, i, chunk);
    await until(async () => (await textsOf(services(), id)).length === 1);

    const file = path.join(services().directory, 'sessions', id, 'audio.log');
    await services().restart();
    await services().stop(5_000);
    const log = await readFile(file);
    // In the middle of the second utterance, which a restart has to hear again from its beginning.
    const damaged = log.lastIndexOf(Buffer.from(chunks[12] ?? []));
    expect(damaged).toBeGreaterThan(0);
    log.writeUInt8(log.readUInt8(damaged + 100) ^ 0xff, damaged + 100);
    await writeFile(file, log);

    await services().restart();
    expect(await services().reader.session(id)).toMatchObject({ status: 'ACTIVE', nextSequence: sent });
    await sendAll(services(), id, chunks.slice(sent), sent);
    const ended = await services().sessions.end(id, chunks.length);
    expect(ended.status).toBe('COMPLETED');
    const { receivedMs, ...classes } = ended.coverage;
    expect(classes.failedMs).toBeGreaterThanOrEqual(100);
    expect(classes).toMatchObject({ gapMs: 0, pendingMs: 0 });
    expect(Object.values(classes).reduce((sum, ms) => sum + ms, 0)).toBe(receivedMs);
    const texts = await textsOf(services(), id);
    expect(texts[0]).toBe('alpha');
    expect(texts.at(-1)).toBe('echo');
  });
});
