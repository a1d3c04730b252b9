/** What must never happen; `broken promise` is everything else that is promised. */
export const DAMAGES = [
  'bytes lost',
  'segments lost',
  'segments doubled',
  'segments changed',
  'broken promise',
] as const;
export type Damage = (typeof DAMAGES)[number];

export interface Finding {
  readonly damage: Damage;
  /** Bytes or segments; 1 for a broken promise. */
  readonly count: number;
  /** Says which session, and what differed. */
  readonly message: string;
}

/** Enough to see what is wrong; one fault can break everything behind it. */
const MOST_KEPT = 50;

/** Collects what a run found to be wrong. */
export class Findings {
  readonly list: Finding[] = [];

  add(damage: Damage, message: string, count = 1): void {
    if (this.list.length < MOST_KEPT) this.list.push({ damage, count, message });
  }

  /** Adds a broken promise unless `condition`. */
  expect(condition: boolean, message: string): void {
    if (!condition) this.add('broken promise', message);
  }
}

/** How many bytes or segments, or other promises, came to that harm. */
export function countOf(findings: readonly Finding[], damage: Damage): number {
  return findings.filter((finding) => finding.damage === damage).reduce((sum, { count }) => sum + count, 0);
}
