import type { Findings } from './findings.ts';
import type { Happenings } from './happenings.ts';
import type { Host } from './host.ts';
import type { Network } from './network.ts';

/** What faults are made with. */
export interface RunContext {
  readonly host: Host;
  readonly network: Network;
  readonly happenings: Happenings;
  readonly findings: Findings;
  readonly dataDirectory: string;
  /** The run was given up. */
  readonly signal: AbortSignal;
  /** After the server was killed: looks at what it left, starts it again, and looks at what it makes of that. */
  restart(): Promise<void>;
}
