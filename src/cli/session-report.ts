import { decodeGlobalId } from '../schema/global-ids.ts';
import type { SessionDetails } from './api-types.ts';
import { clock } from './live-captions.ts';
import { printable } from '../transcripts/printable.ts';

const UNKNOWN = '–';
const SHORT_ID_LENGTH = 8;

/** The id that the database and the log have for what the API calls `globalId`. */
export function databaseId(globalId: string): string {
  return decodeGlobalId(globalId)?.id ?? globalId;
}

/** The beginning of the database id, as much as is needed to name a session at the command line. */
export function shortId(globalId: string): string {
  return databaseId(globalId).slice(0, SHORT_ID_LENGTH);
}

/** A session and its statistics for a person, in a few lines. */
export function reportSession(session: SessionDetails): string {
  const { statistics, coverage } = session;
  const title = session.title === null ? '' : ` “${printable(session.title)}”`;
  const reason = session.endReason === null ? '' : ` (${session.endReason.toLowerCase().replaceAll('_', ' ')})`;
  const classes = [
    [coverage.transcribedMs, 'transcribed'],
    [coverage.silenceMs, 'silence'],
    [coverage.gapMs, 'lost by the client'],
    [coverage.failedMs, 'failed'],
    [coverage.pendingMs, 'pending'],
  ] as const;
  const account = classes.filter(([ms]) => ms > 0).map(([ms, name]) => `${exactSeconds(ms)} ${name}`);
  return [
    `session ${databaseId(session.id)}${title}: ${session.status.toLowerCase()}${reason}, ${session.createdAt}`,
    [
      `${statistics.totalSegments} ${statistics.totalSegments === 1 ? 'segment' : 'segments'}`,
      `${statistics.wordCount} ${statistics.wordCount === 1 ? 'word' : 'words'}`,
      `confidence ${decimal(statistics.averageConfidence, 2)}`,
      `${seconds(statistics.totalDuration)} from first to last`,
      `${seconds(statistics.speakingDuration)} of speech`,
      `${decimal(statistics.wordsPerMinute, 0)} words a minute`,
    ].join(', '),
    `${exactSeconds(coverage.receivedMs)} of audio${account.length === 0 ? '' : ` = ${account.join(' + ')}`}`,
  ].join('\n');
}

const COLUMNS: readonly { title: string; right?: boolean; value: (session: SessionDetails) => string }[] = [
  { title: 'ID', value: (session) => shortId(session.id) },
  { title: 'CREATED', value: (session) => session.createdAt.slice(0, 19).replace('T', ' ') },
  { title: 'STATUS', value: (session) => session.status.toLowerCase() },
  { title: 'AUDIO', right: true, value: (session) => clock(session.coverage.receivedMs) },
  { title: 'SEGMENTS', right: true, value: (session) => String(session.statistics.totalSegments) },
  { title: 'WORDS', right: true, value: (session) => String(session.statistics.wordCount) },
  { title: 'CONFIDENCE', right: true, value: (session) => decimal(session.statistics.averageConfidence, 2) },
  { title: 'TITLE', value: (session) => printable(session.title ?? '') },
];

/** One line a session under a line of headings; times are UTC. */
export function tabulateSessions(sessions: readonly SessionDetails[]): string {
  const columns = COLUMNS.map(({ title, right = false, value }) => {
    const cells = [title, ...sessions.map(value)];
    const width = Math.max(...cells.map((cell) => cell.length));
    return cells.map((cell) => (right ? cell.padStart(width) : cell.padEnd(width)));
  });
  const rows = Array.from({ length: sessions.length + 1 }, (_, row) => columns.map((cells) => cells[row] ?? ''));
  return rows.map((cells) => `${cells.join('  ').trimEnd()}\n`).join('');
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

/** To the millisecond, so that the classes visibly add up. */
function exactSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}

/** A figure that is not known stays unknown. */
function decimal(value: number | null, digits: number): string {
  return value === null ? UNKNOWN : value.toFixed(digits);
}
