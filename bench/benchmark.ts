import type { ModelName } from './options.ts';
import type { SpeechFile } from './support/speech.ts';

/** What a figure counts, and so how it is printed. */
export type Unit =
  'µs' | 'ms' | 'cpu ms per s' | 'seconds' | 'percent' | 'MiB' | 'count' | 'streams' | 'per second' | 'times' | 'dB';

/** What a figure is to be: of its own value (in its unit), or of its ratio to the bare limit. */
export interface Target {
  readonly of: 'ours' | 'ratio';
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One line of the table. */
export interface Figure {
  readonly what: string;
  readonly unit: Unit;
  /** `null`: not known here. */
  readonly ours: number | null;
  /** The same figure of the least that could do the job, measured in the same run; absent where there is no such thing. */
  readonly bareLimit?: number | null;
  /** What the project wants of it; absent where the figure is there to be known. */
  readonly target?: Target;
}

export type Outcome =
  | {
      readonly kind: 'measured';
      readonly figures: readonly Figure[];
      /** Conditions of the measurement, and whatever went wrong in it; a line each. */
      readonly notes: readonly string[];
    }
  | { readonly kind: 'skipped'; readonly reason: string };

export interface BenchmarkContext {
  readonly model: ModelName;
  /** Recordings with references; `null` when there are none on this machine. */
  readonly speech: readonly SpeechFile[] | null;
  /** Absolute path of the server's entry, compiled or not. */
  readonly serverEntry: string;
  /** Also tell what each file contributed. */
  readonly details: boolean;
  /** Raised when the benchmark shall end at once. */
  readonly signal: AbortSignal;
  /** Says how far it is, to the person who waits. */
  readonly tell: (line: string) => void;
}

/** A benchmark measures one thing against a running server and is given nothing but its context. */
export interface Benchmark {
  readonly name: string;
  /** What it measures: one line for people who don't know the code, in small letters and without a full stop. */
  readonly about: string;
  /** What its figures are compared with, in the same way; absent where there is nothing to compare with. */
  readonly bareLimit?: string;
  /** What it may take before it is given up, in milliseconds. */
  readonly limitMs: number;
  /** @throws when the server did something wrong, so that figures would mean nothing. */
  run(context: BenchmarkContext): Promise<Outcome>;
}

export const NO_SPEECH: Outcome = {
  kind: 'skipped',
  reason:
    'there is no recorded speech: give a folder with --speech DIR, in which manifest.tsv has the columns file, seconds, reference, source, licence',
};
