import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';

/** Of a session that is over: what its row has. Durations in seconds. */
export interface SeededSession {
  readonly createdAt: Date;
  readonly words: number;
  readonly recordedSeconds: number;
  readonly speakingSeconds: number;
  /** Each has the same confidence. */
  readonly finals: number;
  readonly confidence: number | null;
  readonly latencyMs: number | null;
}

/** Puts rows of sessions that were recorded at other times into the database of a server, which may run. */
export function seedSessions(dataDirectory: string, sessions: readonly SeededSession[]): void {
  const database = new BetterSqlite3(path.join(dataDirectory, 'verbatim.db'), { timeout: 5_000 });
  const insert = database.prepare(
    `INSERT INTO sessions (id, title, status, end_reason, language, audio_encoding, sample_rate, channels, created_at, ended_at,
       total_segments, average_confidence, confidence_count, total_duration, word_count, speaking_duration,
       average_latency_ms, latency_count, received_ms, transcribed_ms, silence_ms)
     VALUES (@id, @id, 'completed', 'client', 'en', 'pcm_s16le', 16000, 1, @createdAt, @createdAt,
       @finals, @confidence, @confidences, @recordedSeconds, @words, @speakingSeconds,
       @latencyMs, @latencies, @receivedMs, @transcribedMs, @receivedMs - @transcribedMs)`,
  );
  database.transaction(() => {
    for (const [index, session] of sessions.entries()) {
      const { createdAt, confidence, latencyMs, finals, recordedSeconds, speakingSeconds } = session;
      insert.run({
        ...session,
        id: `seeded-${createdAt.getTime()}-${index}`,
        createdAt: createdAt.toISOString().replace('Z', '+00:00'),
        confidences: confidence === null ? 0 : finals,
        latencies: latencyMs === null ? 0 : finals,
        receivedMs: Math.round(recordedSeconds * 1_000),
        transcribedMs: Math.round(speakingSeconds * 1_000),
      });
    }
  })();
  database.close();
}
