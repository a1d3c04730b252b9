import { setTimeout as delay } from 'node:timers/promises';
import type { SessionStore } from '../database/session-store.ts';
import type { Recogniser } from '../recognition/recogniser.ts';
import { AudioIntake, type AudioLimits } from './audio-intake.ts';
import type { Logger } from './logger.ts';
import { OpenSessions } from './open-sessions.ts';
import { SegmentWriter, type SegmentWriterSettings } from './segment-writer.ts';
import { SessionLogDirectory } from './session-logs.ts';
import { SessionLookup } from './session-lookup.ts';
import { SessionReader } from './session-reader.ts';
import { SessionTimeouts, type TimeoutSettings } from './session-timeouts.ts';
import { Sessions } from './sessions.ts';
import { StorageGuard } from './storage-guard.ts';

export interface ServicesParts {
  readonly store: SessionStore;
  readonly recogniser: Recogniser;
  readonly logger: Logger;
  readonly settings: SegmentWriterSettings &
    AudioLimits &
    TimeoutSettings & {
      /** Sessions that may be open at a time. */
      readonly maxOpenSessions: number;
      /** Folder of the sessions' logs; exists. */
      readonly dataDirectory: string;
      /** Free bytes below which audio is refused. */
      readonly storageReserveBytes: number;
    };
}

/** Whether the server can do its work now, part by part. */
interface Readiness {
  readonly database: boolean;
  readonly recogniser: boolean;
  /** The segment writer keeps up: no final waits much longer than a batch may. */
  readonly writer: boolean;
}

/** The domain, put together. `start` recovers what a crash interrupted; `stop` leaves everything to the next start. */
export interface Services {
  readonly sessions: Sessions;
  readonly audio: AudioIntake;
  readonly reader: SessionReader;
  readonly recogniser: Recogniser;
  start(): Promise<void>;
  stop(): Promise<void>;
  readiness(): Promise<Readiness>;
}

/** How long a database that is able to work may take for nothing, in milliseconds. */
const PING_LIMIT_MS = 1_000;
/** How much later than its batch's time a final may be committed before the writer counts as lagging, in milliseconds. */
const LAG_TOLERANCE_MS = 5_000;

export function createServices({ store, recogniser, logger, settings }: ServicesParts): Services {
  const writer = new SegmentWriter(store, settings, logger);
  const open: OpenSessions = new OpenSessions({
    store,
    logs: new SessionLogDirectory(settings.dataDirectory),
    recogniser,
    writer,
    readFinals: (sessionId, afterSequence, limit) =>
      reader.finalsOf({ sessionId, afterSequence, beforeSequence: Infinity, limit, fromEnd: false }),
    logger,
  });
  const reader = new SessionReader(store, writer, (id) => open.get(id));
  const storage = new StorageGuard(settings.dataDirectory, settings.storageReserveBytes, logger);
  const { languages } = recogniser.capabilities;
  const lookup = new SessionLookup(reader, open);
  const { maxOpenSessions } = settings;
  const sessions = new Sessions({ store, reader, open, lookup, languages, maxOpenSessions, logger });
  const audio = new AudioIntake({ open, lookup, storage, limits: settings });
  const timeouts = new SessionTimeouts(open, sessions, settings, logger);
  return {
    sessions,
    audio,
    reader,
    recogniser,
    async start() {
      await storage.refresh();
      await open.recover();
      timeouts.start();
    },
    async stop() {
      timeouts.stop();
      sessions.stopAccepting();
      await open.stop();
    },
    async readiness() {
      const answered = store.ping().then(
        () => true,
        () => false,
      );
      const database = await Promise.race([answered, delay(PING_LIMIT_MS, false, { ref: false })]);
      const writerKeepsUp = writer.lagMs <= settings.batchIntervalMs + LAG_TOLERANCE_MS;
      return { database, recogniser: recogniser.ready, writer: writerKeepsUp };
    },
  };
}
