import type { SessionStore } from '../database/session-store.ts';
import type { LogFileSystem } from '../log/log-file-system.ts';
import type { Recogniser } from '../recognition/recogniser.ts';
import { AudioIntake, type AudioLimits } from './audio-intake.ts';
import { RecordingReader } from './recordings/recording-reader.ts';
import { Recordings } from './recordings/recordings.ts';
import { DatabaseProbe } from './database-probe.ts';
import type { Logger } from './logger.ts';
import { OpenSessions } from './open-sessions.ts';
import { Retention } from './retention.ts';
import { SegmentEditing } from './segment-editing.ts';
import { SegmentWriter, type SegmentWriterSettings } from './segment-writer.ts';
import { SessionDeletion } from './session-deletion.ts';
import { SessionLogDirectory } from './session-logs.ts';
import { SessionLookup } from './session-lookup.ts';
import { SessionReader } from './session-reader.ts';
import { SessionWarnings } from './session-warnings.ts';
import { SessionTimeouts, type TimeoutSettings } from './session-timeouts.ts';
import { Sessions } from './sessions.ts';
import { Waveforms } from './waveforms/waveforms.ts';
import { StorageGuard } from './storage-guard.ts';

export interface ServicesParts {
  readonly store: SessionStore;
  readonly recogniser: Recogniser;
  readonly logger: Logger;
  /** Where logs are kept. @default the real one */
  readonly fileSystem?: LogFileSystem;
  /** Monotonic, in milliseconds: for how long something has not moved, or has taken. @default performance.now */
  readonly now?: () => number;
  readonly settings: SegmentWriterSettings &
    AudioLimits &
    TimeoutSettings & {
      /** Sessions that may be open at a time. */
      readonly maxOpenSessions: number;
      /** Folder of the sessions' logs; exists. */
      readonly dataDirectory: string;
      /** How long after its end a session's recording is kept, in days; `null`: for ever. */
      readonly retentionDays: number | null;
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
  readonly editing: SegmentEditing;
  readonly deletion: SessionDeletion;
  readonly recordings: Recordings;
  readonly waveforms: Waveforms;
  readonly reader: SessionReader;
  readonly recogniser: Recogniser;
  readonly warnings: SessionWarnings;
  start(): Promise<void>;
  /**
   * Takes nothing more, finishes what is in the queues and commits it, for at most `limitMs` milliseconds; what is left then
   * goes on at the next start.
   */
  stop(limitMs: number): Promise<void>;
  readiness(): Promise<Readiness>;
}

/** How much later than its batch's time a final may be committed before the writer counts as lagging, in milliseconds. */
const LAG_TOLERANCE_MS = 5_000;
/** Between two attempts to open what could not be opened at the start, in milliseconds. */
const RECOVERY_INTERVAL_MS = 60_000;
/** Between two looks at what is wrong with the open sessions, in milliseconds. */
const WARNING_INTERVAL_MS = 1_000;

export function createServices({
  store,
  recogniser,
  logger,
  settings,
  fileSystem,
  now = () => performance.now(),
}: ServicesParts): Services {
  const writer = new SegmentWriter(store, settings, logger);
  const logs = new SessionLogDirectory(settings.dataDirectory, logger, fileSystem);
  const open: OpenSessions = new OpenSessions({
    store,
    logs,
    recogniser,
    writer,
    readFinals: (sessionId, afterSequence, limit) =>
      reader.finalsOf({ sessionId, afterSequence, beforeSequence: Infinity, limit, fromEnd: false }),
    logger,
    now,
  });
  const reader = new SessionReader(store, writer, (id) => open.get(id));
  const storage = new StorageGuard(settings.dataDirectory, settings.storageReserveBytes, logger);
  const { languages } = recogniser.capabilities;
  const lookup = new SessionLookup(reader, open);
  const { maxOpenSessions } = settings;
  const sessions = new Sessions({
    store,
    reader,
    open,
    lookup,
    languages,
    maxOpenSessions,
    capacity: () => recogniser.capacity,
    logger,
  });
  const writerPatienceMs = settings.batchIntervalMs + LAG_TOLERANCE_MS;
  const warnings = new SessionWarnings({
    findOpen: (id) => open.get(id),
    isOpening: (id) => open.opening(id) !== undefined,
    writer,
    logger,
    writerPatienceMs,
    now,
  });
  const recordingReader = new RecordingReader();
  const recordings = new Recordings({ lookup, logs, reader: recordingReader, logger });
  const waveforms = new Waveforms({ recordings, logs, hasRoom: () => storage.hasRoom(), logger, now });
  const removableLogs = {
    remove: (sessionId: string) => {
      // Whoever listens to it hears what he was given; nothing more is kept open.
      recordingReader.forget(logs.audioPath(sessionId));
      waveforms.forget(sessionId);
      return logs.remove(sessionId);
    },
  };
  const retention = new Retention({
    store,
    logs: removableLogs,
    isOpen: (id) => open.get(id) !== undefined || open.opening(id) !== undefined,
    logger,
    settings,
  });
  const audio = new AudioIntake({
    open,
    lookup,
    storage,
    hasRecording: (id) => logs.has(id) && !retention.isRemoving(id),
    limits: settings,
  });
  const editing = new SegmentEditing({ store, reader, lookup, open, logger });
  const deletion = new SessionDeletion({ store, logs: removableLogs, open, logger });
  const probe = new DatabaseProbe(store, now);
  let watching: NodeJS.Timeout | undefined;
  let recovering: NodeJS.Timeout | undefined;
  const recoverLeft = () =>
    open.recoverLeft().catch((error: unknown) => logger.warn({ err: error }, 'sessions not recovered yet'));
  const finishDeletions = () =>
    deletion.finish().catch((error: unknown) => logger.warn({ err: error }, 'deletions not finished yet'));
  const recoverFailed = () =>
    open.recoverFailed().catch((error: unknown) => logger.warn({ err: error }, 'failed sessions not tried again'));
  const timeouts = new SessionTimeouts(open, sessions, settings, logger);
  return {
    sessions,
    audio,
    editing,
    deletion,
    recordings,
    waveforms,
    reader,
    recogniser,
    warnings,
    async start() {
      await storage.refresh();
      await finishDeletions();
      await open.recover();
      timeouts.start();
      watching = setInterval(() => warnings.check(open.all), WARNING_INTERVAL_MS);
      watching.unref();
      recovering = setInterval(() => {
        void recoverLeft();
        void finishDeletions();
      }, RECOVERY_INTERVAL_MS);
      recovering.unref();
      void recoverFailed();
      retention.start();
    },
    async stop(limitMs) {
      sessions.stopAccepting();
      audio.stopAccepting();
      timeouts.stop();
      clearInterval(watching);
      clearInterval(recovering);
      await retention.stop();
      waveforms.stop();
      await recordingReader.stop();
      await open.stop(limitMs);
    },
    async readiness() {
      const writerKeepsUp = writer.lagMs <= writerPatienceMs;
      return { database: await probe.isAvailable(), recogniser: recogniser.ready, writer: writerKeepsUp };
    },
  };
}
