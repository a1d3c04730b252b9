import type { SegmentBatch, SessionStore } from '../../src/database/session-store.ts';
import type { FinalEntry } from '../../src/services/journal-entry.ts';
import type { Logger } from '../../src/services/logger.ts';
import { OpenSession } from '../../src/services/open-session.ts';
import { SessionLogDirectory } from '../../src/services/session-logs.ts';

export const SECOND = 16_000;

export function finalEntry(sequence: number, changes: Partial<FinalEntry> = {}): FinalEntry {
  return {
    type: 'final',
    sequence,
    channel: 0,
    startSample: sequence * SECOND,
    endSample: sequence * SECOND + SECOND / 2,
    text: `sentence ${sequence}`,
    words: [],
    confidence: 0.5,
    revision: 16,
    createdAt: new Date(sequence * 1000).toISOString(),
    latencyMs: null,
    decidedSample: sequence * SECOND + SECOND / 2,
    resume: { readFromFrame: 0, state: null },
    ...changes,
  };
}

/** Collects log events; the fields of each, with its message. */
export function recordingLogger() {
  const events: Record<string, unknown>[] = [];
  const write = (fields: object, message: string) => void events.push({ ...fields, message });
  const logger: Logger = { debug: () => {}, info: write, warn: write, error: write };
  return { logger, events, named: (message: string) => events.filter((event) => event['message'] === message) };
}

/** Opens a session that the store has, with real logs in the folder. */
export async function openSession(store: SessionStore, folder: string, id: string): Promise<OpenSession> {
  const record = await store.findSession(id);
  if (record === null) throw new Error(`The session ${id} is not there`);
  const logs = await new SessionLogDirectory(folder, recordingLogger().logger).open(record);
  return new OpenSession({ record, ...logs, readFinals: () => Promise.resolve([]) });
}

type Commit = SessionStore['commitBatch'];

/** The store, whose commits go as `misbehave` says. */
export function storeWith(
  store: SessionStore,
  misbehave: (batch: SegmentBatch, commit: Commit) => ReturnType<Commit>,
): SessionStore {
  return new Proxy(store, {
    get(target, property) {
      if (property === 'commitBatch') return (batch: SegmentBatch) => misbehave(batch, target.commitBatch.bind(target));
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
