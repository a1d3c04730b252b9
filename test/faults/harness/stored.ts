import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { msToFrames } from '../../../src/audio/format.ts';
import { AudioLog } from '../../../src/log/audio-log.ts';
import { checkSum, compareFinals, placeIn, storedId, type FinalAccount } from './account.ts';
import type { Findings } from './findings.ts';
import type { Observation, Statistics } from './observer.ts';
import type { RecordingItem } from './recording.ts';
import type { SessionClient } from './session-client.ts';

/**
 * What is in a session's audio log, of which all items below `acknowledged` must be there, byte for byte. The server must
 * not run; a copy is read, so that the next start finds what it would have found.
 */
export async function checkAudioLog(dataDirectory: string, client: SessionClient, findings: Findings): Promise<void> {
  const { id, acknowledged, sent } = client;
  if (id === null) return;
  const { items, format } = client.plan.recording;
  const original = path.join(dataDirectory, 'sessions', storedId(id), 'audio.log');
  const copy = path.join(dataDirectory, 'copy-of-audio.log');
  await copyFile(original, copy);
  const log = await AudioLog.open(copy);
  try {
    // Also gives pieces of containers that complete nothing.
    const { items: reader } = log.framedReader(0);
    let next = 0;
    for (let item = await reader.next(); item !== null; item = await reader.next()) {
      if (item.kind === 'end') continue;
      const expected = items[next];
      const isSame =
        item.kind === 'chunk'
          ? expected?.kind === 'chunk' && expected.bytes.equals(item.bytes)
          : item.kind === 'skip' &&
            expected?.kind === 'skip' &&
            msToFrames(expected.durationMs, format.sampleRate) === item.frames;
      if (!isSame) {
        findings.add(
          'bytes lost',
          `${client.description}: item ${next} of its audio log is not what was sent`,
          sizeOf(expected),
        );
      }
      next += 1;
    }
    const missing = items.slice(next, acknowledged);
    if (missing.length > 0) {
      const bytes = missing.reduce((sum, item) => sum + sizeOf(item), 0);
      findings.add('bytes lost', `${client.description}: its audio log ends before item ${next}`, bytes);
    }
    findings.expect(next <= sent, `${client.description}: its audio log has ${next} items, ${sent} were sent`);
  } finally {
    await log.close();
  }
}

function sizeOf(item: RecordingItem | undefined): number {
  return item?.kind === 'chunk' ? item.bytes.length : 0;
}

interface SegmentRow extends Omit<FinalAccount, 'place'> {
  readonly id: string;
  readonly kind: string;
}

interface SessionRow extends Omit<Statistics, 'wordsPerMinute'> {
  readonly status: string;
  readonly nextSequence: number;
  readonly receivedMs: number;
  readonly transcribedMs: number;
  readonly silenceMs: number;
  readonly gapMs: number;
  readonly failedMs: number;
}

/** Holds the rows of completed sessions against what there must be, and against what the API told of them. */
export function checkRows(
  dataDirectory: string,
  sessions: readonly { readonly client: SessionClient; readonly observation: Observation }[],
  findings: Findings,
): void {
  const database = new BetterSqlite3(path.join(dataDirectory, 'verbatim.db'), { readonly: true });
  try {
    const segmentsOf = database.prepare<[string], SegmentRow>(
      `SELECT id, kind, sequence, revision, text, start_ms AS startMs, end_ms AS endMs, avg_confidence AS avgConfidence,
         channel, speaker
       FROM segments WHERE session_id = ? ORDER BY sequence, id`,
    );
    const sessionOf = database.prepare<[string], SessionRow>(
      `SELECT status, next_sequence AS nextSequence, total_segments AS totalSegments,
         average_confidence AS averageConfidence, total_duration AS totalDuration, word_count AS wordCount,
         speaking_duration AS speakingDuration, received_ms AS receivedMs, transcribed_ms AS transcribedMs,
         silence_ms AS silenceMs, gap_ms AS gapMs, failed_ms AS failedMs
       FROM sessions WHERE id = ?`,
    );
    for (const { client, observation } of sessions) {
      const id = storedId(client.id ?? '');
      checkSessionRows(client, observation, sessionOf.get(id), segmentsOf.all(id), findings);
    }
  } finally {
    database.close();
  }
}

function checkSessionRows(
  client: SessionClient,
  observation: Observation,
  session: SessionRow | undefined,
  segments: readonly SegmentRow[],
  findings: Findings,
): void {
  const { reference, recording } = client.plan;
  if (session === undefined || reference === null) {
    findings.add('broken promise', `${client.description}: it has no row`);
    return;
  }
  const where = `database, ${client.description}`;
  const prefix = `${storedId(client.id ?? '')}.`;
  const finals = segments
    .filter(({ kind }) => kind === 'final')
    .map(({ id, kind: _kind, ...account }) => ({ place: placeIn(id, prefix), ...account }));
  compareFinals(where, finals, reference.finals, findings);
  const lost = reference.finals.length - finals.length;
  if (lost > 0) findings.add('segments lost', `${where}: ${finals.length} finals of ${reference.finals.length}`, lost);
  const notGiven = reference.finals.length - client.shown.length;
  if (notGiven > 0) findings.add('segments lost', `${client.description}: the subscriber lacks finals`, notGiven);
  findings.expect(segments.length === finals.length, `${where}: drafts were left behind`);
  findings.expect(
    session.status === 'completed' && session.nextSequence === recording.items.length,
    `${where}: it is ${session.status}, and expects chunk ${session.nextSequence}`,
  );
  checkStatistics(where, finals, session, observation.statistics, findings);
  checkCoverage(where, reference.coverage, session, observation.coverage, findings);
}

/** The figures must follow from the rows of the finals. */
function checkStatistics(
  where: string,
  finals: readonly FinalAccount[],
  row: SessionRow,
  told: Statistics,
  findings: Findings,
): void {
  const confidences = finals.flatMap(({ avgConfidence }) => avgConfidence ?? []);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const words = sum(finals.map(({ text }) => text.split(/\s+/u).filter((word) => word !== '').length));
  const speakingMs = sum(finals.map(({ startMs, endMs }) => endMs - startMs));
  const firstStartMs = Math.min(...finals.map(({ startMs }) => startMs));
  const lastEndMs = Math.max(0, ...finals.map(({ endMs }) => endMs));
  const expected: Statistics = {
    totalSegments: finals.length,
    averageConfidence: confidences.length === 0 ? null : sum(confidences) / confidences.length,
    totalDuration: finals.length === 0 ? 0 : (lastEndMs - firstStartMs) / 1000,
    wordCount: words,
    speakingDuration: speakingMs / 1000,
    wordsPerMinute: speakingMs === 0 ? null : words / (speakingMs / 60_000),
  };
  for (const [what, figures] of [
    ['row', { ...row, wordsPerMinute: expected.wordsPerMinute }],
    ['API', told],
  ] as const) {
    const wrong = Object.entries(expected).filter(
      ([name, value]) => !isClose(figures[name as keyof Statistics], value),
    );
    findings.expect(
      wrong.length === 0,
      `${where}: statistics (${what}) that do not follow from the rows: ${JSON.stringify(wrong)}`,
    );
  }
}

/** Equal but for the rounding of sums. */
function isClose(a: number | null, b: number | null): boolean {
  return a === null || b === null ? a === b : Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b));
}

function checkCoverage(
  where: string,
  reference: Observation['coverage'],
  row: SessionRow,
  told: Observation['coverage'],
  findings: Findings,
): void {
  checkSum(where, told, findings);
  const { receivedMs, transcribedMs, silenceMs, gapMs, failedMs } = row;
  const stored = { receivedMs, transcribedMs, silenceMs, gapMs, failedMs, pendingMs: 0 };
  for (const coverage of [told, stored]) {
    const wrong = Object.entries(reference).filter(([name, ms]) => coverage[name as keyof typeof reference] !== ms);
    findings.expect(
      wrong.length === 0,
      `${where}: the coverage is ${JSON.stringify(coverage)}, undisturbed it was ${JSON.stringify(reference)}`,
    );
  }
}
