import type { GraphqlClient } from '../support/graphql-client.ts';
import type { Random } from './random.ts';
import type { KnownThings } from './sessions-pool.ts';

/** A door of the server, and how to knock at it wrongly. */
export interface Target {
  /**
   * Makes and sends one input.
   * @param describe is told what kind of input it is before it is sent, so that a failure can name it.
   * @returns what to count the answers as.
   * @throws Violation when the server did what it never may.
   */
  attack(random: Random, describe: (kind: string) => void): Promise<readonly string[]>;
  close(): Promise<void> | void;
}

export interface TargetContext {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly known: KnownThings;
  readonly client: GraphqlClient;
}
