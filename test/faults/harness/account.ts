import { isDeepStrictEqual } from 'node:util';
import type { SegmentView } from '../../support/operations.ts';
import type { Findings } from './findings.ts';

/** What must be the same of a final whatever happens: all but the name of its session. */
export interface FinalAccount {
  /** `<channel>.<first sample>`: the part of its id behind the session's. */
  readonly place: string;
  readonly sequence: number | null;
  readonly revision: number;
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly avgConfidence: number | null;
  readonly channel: number;
  readonly speaker: string | null;
}

export type Coverage = Readonly<
  Record<'receivedMs' | 'transcribedMs' | 'silenceMs' | 'gapMs' | 'failedMs' | 'pendingMs', number>
>;

/** What an undisturbed server makes of a recording. */
export interface Reference {
  readonly finals: readonly FinalAccount[];
  readonly coverage: Coverage;
}

/** @param sessionId global id of the session that it must belong to. @throws when its id is not one of that session. */
export function accountOf(segment: SegmentView, sessionId: string): FinalAccount {
  const { sequence, revision, text, startMs, endMs, avgConfidence, channel, speaker } = segment;
  const place = placeIn(Buffer.from(segment.id, 'base64').toString(), `Segment:${storedId(sessionId)}.`);
  return { place, sequence, revision, text, startMs, endMs, avgConfidence, channel, speaker };
}

/** The id in the database behind a session's global id. */
export function storedId(sessionId: string): string {
  return Buffer.from(sessionId, 'base64')
    .toString()
    .replace(/^Session:/u, '');
}

/** What follows `prefix` in an id. @throws when it does not begin with it. */
export function placeIn(id: string, prefix: string): string {
  if (!id.startsWith(prefix)) throw new Error(`The id ${id} does not begin with ${prefix}`);
  return id.slice(prefix.length);
}

/** Compares finals with the first of those that there must be; missing ones are for the caller to judge. */
export function compareFinals(
  where: string,
  found: readonly FinalAccount[],
  expected: readonly FinalAccount[],
  findings: Findings,
): void {
  const places = new Set(found.map(({ place }) => place));
  const doubled = found.length - places.size;
  if (doubled > 0) findings.add('segments doubled', `${where}: ${doubled} of ${found.length} come twice`, doubled);
  const changed = found.filter((final, index) => !isDeepStrictEqual(final, expected[index]));
  if (changed.length === 0 || doubled > 0) return;
  const [first] = changed;
  findings.add(
    'segments changed',
    `${where}: ${changed.length} of ${found.length} are not those of the undisturbed run, the first is ${JSON.stringify(first)} instead of ${JSON.stringify(expected[found.findIndex((final) => final === first)] ?? null)}`,
    changed.length,
  );
}

/** Every millisecond of the timeline is in exactly one class. */
export function checkSum(where: string, coverage: Coverage, findings: Findings): void {
  const { receivedMs, ...classes } = coverage;
  const sum = Object.values(classes).reduce((total, ms) => total + ms, 0);
  findings.expect(
    sum === receivedMs && Object.values(classes).every((ms) => ms >= 0),
    `${where}: the coverage does not add up: ${JSON.stringify(coverage)}`,
  );
}
