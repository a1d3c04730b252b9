/** Files of a backup, and of a data directory: a backup is laid out alike. Paths are relative and have `/` on every system. */
export const DATABASE_FILE = 'verbatim.db';
export const SESSIONS_FOLDER = 'sessions';

/**
 * In the order in which they are copied. What a journal says was derived from audio that was on stable storage before, so a
 * copy of the audio that is made later has it.
 */
export const LOG_FILES = ['journal.log', 'audio.log'] as const;

/** What the paths of a backup look like: nothing else is ever written by restoring it. */
export const BACKUP_PATH = /^(?:verbatim\.db|sessions\/[\w-]+\/(?:journal|audio)\.log)$/u;

export function logPath(sessionId: string, log: (typeof LOG_FILES)[number]): string {
  return `${SESSIONS_FOLDER}/${sessionId}/${log}`;
}
