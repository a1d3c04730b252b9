import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { SessionRecord } from '../../src/database/session-records.ts';
import { nodeFileSystem, type LogFile, type LogFileSystem } from '../../src/log/log-file-system.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { AudioIntake } from '../../src/services/audio-intake.ts';
import { OpenSessions } from '../../src/services/open-sessions.ts';
import { SegmentWriter } from '../../src/services/segment-writer.ts';
import { SessionLogDirectory } from '../../src/services/session-logs.ts';
import { SessionLookup } from '../../src/services/session-lookup.ts';
import { SessionReader } from '../../src/services/session-reader.ts';
import type { SessionRequest } from '../../src/services/session-request.ts';
import { StorageGuard } from '../../src/services/storage-guard.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices, type TestServices } from '../support/services.ts';
import { until } from '../support/wait.ts';
import { recordingLogger } from './segment-writer-fixtures.ts';

const RATE = 16_000;
/** Of an audio log's mark, in the file. */
const MARK_BYTES = 44;
const pause: ToneSpeechPart = { silenceMs: 800 };
const request: SessionRequest = {
  externalId: null,
  title: null,
  language: 'en',
  audioFormat: { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 1 },
  speakers: [],
  metadata: null,
};

function speech(...words: ToneSpeechPart[]): Uint8Array {
  return bytesOf(synthesiseToneSpeech([...words, pause], RATE));
}

async function completed({ reader }: TestServices, id: string): Promise<SessionRecord> {
  return until(async () => {
    const session = await reader.session(id);
    return session?.status === 'COMPLETED' && session;
  });
}

/** A session that said one word, and was ended because nobody sent more. */
async function idleSession(services: TestServices): Promise<string> {
  const { id } = await services.sessions.start(request);
  await services.audio.send(id, 0, speech('alpha'));
  await completed(services, id);
  return id;
}

async function textsOf({ reader }: TestServices, sessionId: string): Promise<string[]> {
  const all = { sessionId, afterSequence: 0, beforeSequence: Infinity, limit: 100, fromEnd: false };
  return (await reader.finalsOf(all)).map(({ text }) => text);
}

describe('a session that was ended for idleness', () => {
  const services = useServices({ idleTimeoutMs: 200 });

  it('is not opened again once its recording is gone, and keeps its segments', async () => {
    const id = await idleSession(services());
    await services().restart({ idleTimeoutMs: 60_000 });
    // As a removal leaves it whose last step, in the database, did not come through.
    const folder = path.join(services().directory, 'sessions', id);
    await rm(folder, { recursive: true });

    const refusal = { code: 'SESSION_NOT_ACTIVE' };
    await expect(services().audio.send(id, 1, speech('bravo'))).rejects.toMatchObject(refusal);
    expect(await services().reader.session(id)).toMatchObject({ status: 'COMPLETED', coverage: { failedMs: 0 } });
    expect(await textsOf(services(), id)).toEqual(['alpha']);
    expect(existsSync(folder)).toBe(false);
  });

  it('stays completed when its logs turn out to be damaged', async () => {
    const id = await idleSession(services());
    await services().restart({ idleTimeoutMs: 60_000 });
    await writeFile(path.join(services().directory, 'sessions', id, 'audio.log'), 'not a log, whatever it was before');
    await expect(services().audio.send(id, 1, speech('bravo'))).rejects.toMatchObject({ code: 'SESSION_NOT_ACTIVE' });
    expect(await services().database.store.findSession(id)).toMatchObject({ status: 'COMPLETED' });
    expect(await textsOf(services(), id)).toEqual(['alpha']);
  });

  it('acknowledges its next chunk only when that is stored, though somebody else opens it meanwhile', async () => {
    const id = await idleSession(services());
    await services().restart({ idleTimeoutMs: 60_000 });
    const { database, recogniser, directory } = services();
    const { store } = database;
    const { logger } = recordingLogger();
    const writer = new SegmentWriter(store, { batchSize: 5, batchIntervalMs: 10_000 }, logger);
    const logs = new SessionLogDirectory(directory, logger);
    const readFinals = () => Promise.resolve([]);
    const open = new OpenSessions({
      store,
      logs,
      recogniser,
      writer,
      readFinals,
      logger,
      now: () => performance.now(),
    });
    const reader = new SessionReader(store, writer, (session) => open.get(session));
    let others = 0;
    const lookup = new (class extends SessionLookup {
      override async find(sessionId: string): Promise<SessionRecord> {
        const record = await super.find(sessionId);
        // Somebody had asked for it just before it was completed.
        if (record.status === 'COMPLETED' && ++others === 1) void open.open({ ...record, status: 'FINALIZING' });
        return record;
      }
    })(reader, open);
    const audio = new AudioIntake({
      open,
      lookup,
      storage: new StorageGuard(directory, 0, logger),
      hasRecording: () => true,
      limits: { maxChunkBytes: 1e6, maxDurationMs: 1e9, maxSkipMs: 1e6 },
    });
    expect(await audio.send(id, 1, speech('bravo'))).toMatchObject({ nextSequence: 2, duplicate: false });
    expect(others).toBeGreaterThan(0);

    await open.stop(5_000);
    // Nobody would close its logs, or stop its transcription.
    await expect(open.open(await lookup.find(id))).rejects.toMatchObject({ code: 'OVERLOADED' });
  });
});

describe('a session that goes on while it is still being closed', () => {
  const events: string[] = [];
  const services = useServices({ idleTimeoutMs: 200 }, { fileSystem: slowToClose(events) });

  it('is opened only when nobody writes to its logs any more', async () => {
    const { id } = await services().sessions.start(request);
    await services().audio.send(id, 0, speech('alpha'));
    const { store } = services().database;
    await until(async () => (await store.findSession(id))?.status === 'COMPLETED');
    expect(await services().audio.send(id, 1, speech('bravo'))).toMatchObject({ nextSequence: 2 });
    await completed(services(), id);
    expect(events.slice(0, 3)).toEqual(['created', 'closed', 'opened']);

    await services().restart();
    expect(await textsOf(services(), id)).toEqual(['alpha', 'bravo']);
    expect(await services().reader.session(id)).toMatchObject({ coverage: { failedMs: 0 }, nextSequence: 2 });
  });
});

/** A disk on which the last write before a file is closed takes its time. */
function slowToClose(events: string[]): LogFileSystem {
  const slow = (file: LogFile, path_: string): LogFile => {
    const isAudio = path.basename(path_) === 'audio.log';
    return {
      size: () => file.size(),
      read: (target, position) => file.read(target, position),
      writev: async (parts, position) => {
        const isMark = isAudio && parts.reduce((sum, part) => sum + part.length, 0) === MARK_BYTES;
        if (isMark) await delay(300);
        return file.writev(parts, position);
      },
      datasync: () => file.datasync(),
      truncate: (length) => file.truncate(length),
      close: async () => {
        await file.close();
        if (isAudio) events.push('closed');
      },
    };
  };
  return {
    ...nodeFileSystem,
    create: async (name) => {
      const file = await nodeFileSystem.create(name);
      if (path.basename(name) === 'audio.log') events.push('created');
      return slow(file, name);
    },
    open: async (name) => {
      const file = await nodeFileSystem.open(name);
      if (path.basename(name) === 'audio.log') events.push('opened');
      return slow(file, name);
    },
  };
}
