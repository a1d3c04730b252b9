import type { CaptionOutput } from './live-captions.ts';

/** What a command gets from the process it runs in. */
export interface CommandContext {
  readonly environment: NodeJS.ProcessEnv;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: CaptionOutput;
  /** How to call this program, for advice: as the caller did. */
  readonly programName: string;
  /** Runs `handler` whenever the user interrupts (Ctrl-C); the answer takes it off again. */
  onInterrupt(handler: () => void): () => void;
  exit(code: number): never;
}

/** Options of every command that talks to a server. */
export interface ServerOptions {
  readonly url?: string;
  readonly token?: string;
}
