import { Random } from './random.ts';
import { Tally } from './oracle.ts';
import type { Target } from './target.ts';

/** An input that made the server do what it never may, and how to send it again. */
export interface Finding {
  readonly target: string;
  readonly index: number;
  readonly kind: string;
  readonly message: string;
}

export interface CampaignResult {
  readonly inputs: number;
  readonly answers: Tally;
  readonly findings: readonly Finding[];
}

export interface CampaignOptions {
  readonly name: string;
  readonly target: Target;
  readonly seed: number;
  /** Numbers of the inputs; each is made from seed, name and number alone. */
  readonly from: number;
  readonly to: number;
  /** Inputs under way at a time. */
  readonly concurrency: number;
  /** Asked after each input: what the server did besides answering since it was asked last; `null`: nothing wrong. */
  readonly complaint: () => string | null;
  /** There is nobody to attack any more. */
  readonly isOver: () => boolean;
}

const ENOUGH_FINDINGS = 20;

/** Sends inputs of one kind, several at a time, and judges what comes back. */
export async function attack(options: CampaignOptions): Promise<CampaignResult> {
  const { name, target, seed, to, complaint, isOver } = options;
  const answers = new Tally();
  const findings: Finding[] = [];
  const underWay = new Map<number, string>();
  let next = options.from;
  const worker = async () => {
    while (next < to && findings.length < ENOUGH_FINDINGS && !isOver()) {
      const index = next++;
      underWay.set(index, 'not begun');
      try {
        const kinds = await target.attack(new Random(seed, name, index), (kind) => underWay.set(index, kind));
        for (const kind of kinds) answers.add(kind);
      } catch (error) {
        findings.push({ target: name, index, kind: underWay.get(index) ?? '', message: describeError(error) });
      }
      const message = complaint();
      if (message !== null) {
        const others = [...underWay].filter(([other]) => other !== index).map(([other, kind]) => `${other} (${kind})`);
        const suspects = others.length === 0 ? '' : `\n  or one of those under way with it: ${others.join(', ')}`;
        findings.push({ target: name, index, kind: underWay.get(index) ?? '', message: message + suspects });
      }
      underWay.delete(index);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  return { inputs: next - options.from, answers, findings };
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'Violation' ? error.message : (error.stack ?? error.message);
}
