import { z } from 'zod';
import { Prisma, type Session as SessionRow } from './generated/prisma/client.ts';
import type { Coverage, SessionRecord, SessionStatistics, SpeakerNames } from './session-records.ts';
import type { NewSession, SessionProgress } from './session-store.ts';
import { audioEncodings, endReasons, sessionStatuses } from './vocabulary.ts';

export type { SessionRow };

/** What a raw query selects from `sessions s` to get rows like Prisma's own. */
export const SESSION_COLUMNS = Prisma.sql`
  s.id, s.external_id AS "externalId", s.title, s.status, s.end_reason AS "endReason", s.language,
  s.audio_encoding AS "audioEncoding", s.sample_rate AS "sampleRate", s.channels, s.speakers,
  s.original_speakers AS "originalSpeakers", s.metadata,
  s.created_at AS "createdAt", s.ended_at AS "endedAt",
  s.recording_removed_at AS "recordingRemovedAt",
  s.next_sequence AS "nextSequence", s.journal_position AS "journalPosition",
  s.total_segments AS "totalSegments", s.average_confidence AS "averageConfidence",
  s.confidence_count AS "confidenceCount", s.total_duration AS "totalDuration", s.word_count AS "wordCount",
  s.speaking_duration AS "speakingDuration", s.average_latency_ms AS "averageLatencyMs",
  s.latency_count AS "latencyCount",
  s.received_ms AS "receivedMs", s.transcribed_ms AS "transcribedMs", s.silence_ms AS "silenceMs",
  s.gap_ms AS "gapMs", s.failed_ms AS "failedMs"`;

export function toSessionRecord(row: SessionRow): SessionRecord {
  return {
    id: row.id,
    externalId: row.externalId,
    title: row.title,
    status: sessionStatuses.fromColumn(row.status),
    endReason: row.endReason === null ? null : endReasons.fromColumn(row.endReason),
    language: row.language,
    audioFormat: {
      encoding: audioEncodings.fromColumn(row.audioEncoding),
      sampleRate: row.sampleRate,
      channels: row.channels,
    },
    ...toSpeakerNames(row),
    metadata: row.metadata,
    createdAt: row.createdAt,
    endedAt: row.endedAt,
    recordingRemovedAt: row.recordingRemovedAt,
    nextSequence: row.nextSequence,
    journalPosition: Number(row.journalPosition),
    statistics: toStatistics(row),
    coverage: toCoverage(row),
  };
}

const storedSpeakers = z.array(z.string().nullable()).nullable();

export function toSpeakerNames({
  speakers,
  originalSpeakers,
  channels,
}: Pick<SessionRow, 'speakers' | 'originalSpeakers' | 'channels'>): SpeakerNames {
  const byChannel = (names: unknown) => {
    const known = storedSpeakers.parse(names) ?? [];
    return Array.from({ length: channels }, (_, channel) => known[channel] ?? null);
  };
  return { speakers: byChannel(speakers), originalSpeakers: byChannel(originalSpeakers ?? speakers) };
}

function toStatistics(row: SessionRow): SessionStatistics {
  return {
    totalSegments: row.totalSegments,
    averageConfidence: row.averageConfidence,
    totalDuration: row.totalDuration,
    wordCount: row.wordCount,
    speakingDuration: row.speakingDuration,
    wordsPerMinute: row.speakingDuration > 0 ? row.wordCount / (row.speakingDuration / 60) : null,
    averageLatencyMs: row.averageLatencyMs,
    latencyCount: row.latencyCount,
  };
}

function toCoverage(row: SessionRow): Coverage {
  const { receivedMs, transcribedMs, silenceMs, gapMs, failedMs } = row;
  const pendingMs = receivedMs - transcribedMs - silenceMs - gapMs - failedMs;
  return { receivedMs, transcribedMs, silenceMs, gapMs, failedMs, pendingMs };
}

export function newSessionRow(session: NewSession): Prisma.SessionCreateInput {
  return {
    id: session.id,
    externalId: session.externalId,
    title: session.title,
    status: sessionStatuses.toColumn('ACTIVE'),
    language: session.language,
    audioEncoding: audioEncodings.toColumn(session.audioFormat.encoding),
    sampleRate: session.audioFormat.sampleRate,
    channels: session.audioFormat.channels,
    speakers: speakersColumn(session.speakers),
    metadata: z.json().parse(session.metadata) ?? Prisma.DbNull,
    createdAt: session.createdAt,
  };
}

/** NULL when no channel has a name. */
export function speakersColumn(speakers: readonly (string | null)[]) {
  return speakers.some((name) => name !== null) ? [...speakers] : Prisma.DbNull;
}

/** The assignments of an `UPDATE sessions SET …` for what a batch changes, its checkpoint and counts apart. */
export function progressAssignments({ statistics, coverage, ...progress }: SessionProgress): Prisma.Sql {
  return Prisma.sql`
    status = ${sessionStatuses.toColumn(progress.status)},
    end_reason = ${progress.endReason === null ? null : endReasons.toColumn(progress.endReason)},
    ended_at = ${progress.endedAt},
    next_sequence = ${progress.nextSequence},
    total_segments = ${statistics.totalSegments},
    average_confidence = ${statistics.averageConfidence},
    total_duration = ${statistics.totalDuration},
    word_count = ${statistics.wordCount},
    speaking_duration = ${statistics.speakingDuration},
    average_latency_ms = ${statistics.averageLatencyMs},
    latency_count = ${statistics.latencyCount},
    received_ms = ${coverage.receivedMs},
    transcribed_ms = ${coverage.transcribedMs},
    silence_ms = ${coverage.silenceMs},
    gap_ms = ${coverage.gapMs},
    failed_ms = ${coverage.failedMs}`;
}
