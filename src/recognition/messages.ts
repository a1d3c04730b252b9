import { z } from 'zod';
import { MODEL_NAMES } from './engines.ts';
import type { Decision, ResumePoint, StreamOptions, Transcript } from './recogniser.ts';
import type { WorkDone } from './work-meter.ts';

/** What a recogniser process is started with: its first argument, as JSON. */
export const processSettingsSchema = z.object({
  model: z.enum(MODEL_NAMES),
  interimIntervalMs: z.number().min(0),
  endSilenceMs: z.number().min(0),
  sentenceEndSilenceMs: z.number().min(0),
  scriptedFaults: z.union([z.boolean(), z.object({ budgetFile: z.string() })]),
});
export type ProcessSettings = z.infer<typeof processSettingsSchema>;

/** About one stream; ids are unique within a process. */
export type StreamRequest =
  | { readonly type: 'open'; readonly streamId: number; readonly options: StreamOptions }
  | { readonly type: 'audio'; readonly streamId: number; readonly startFrame: number; readonly bytes: Uint8Array }
  | { readonly type: 'gap'; readonly streamId: number; readonly startFrame: number; readonly frames: number }
  | { readonly type: 'end'; readonly streamId: number }
  | { readonly type: 'close'; readonly streamId: number };

export type ToProcess = StreamRequest | { readonly type: 'ping' } | { readonly type: 'shutdown' };

export type StreamReport =
  | { readonly type: 'interim'; readonly streamId: number; readonly interim: Transcript }
  | { readonly type: 'decision'; readonly streamId: number; readonly decision: Decision }
  | { readonly type: 'progress'; readonly streamId: number; readonly frame: number }
  | { readonly type: 'ended'; readonly streamId: number; readonly resume: ResumePoint }
  | { readonly type: 'failure'; readonly streamId: number; readonly message: string };

export type FromProcess =
  | StreamReport
  | { readonly type: 'ready' }
  /** Whose audio is being decoded from now on; `null`: nobody's. */
  | { readonly type: 'decoding'; readonly streamId: number | null }
  | { readonly type: 'load-failed'; readonly message: string }
  /** `stalledMs`: for how long some work that there is has not moved. `done`: since the start of the process. */
  | { readonly type: 'pong'; readonly stalledMs: number; readonly done: WorkDone }
  | { readonly type: 'warning'; readonly message: string };

const TO_PROCESS: Record<ToProcess['type'], true> = {
  open: true,
  audio: true,
  gap: true,
  end: true,
  close: true,
  ping: true,
  shutdown: true,
};
const FROM_PROCESS: Record<FromProcess['type'], true> = {
  interim: true,
  decision: true,
  progress: true,
  ended: true,
  failure: true,
  ready: true,
  decoding: true,
  'load-failed': true,
  pong: true,
  warning: true,
};

// Both ends are the same program, so a message of a known type has that type's shape; Node's own messages are left out.
export function isToProcess(message: unknown): message is ToProcess {
  return hasTypeIn(message, TO_PROCESS);
}

export function isFromProcess(message: unknown): message is FromProcess {
  return hasTypeIn(message, FROM_PROCESS);
}

function hasTypeIn(message: unknown, types: Readonly<Record<string, true>>): boolean {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  return typeof message.type === 'string' && Object.hasOwn(types, message.type);
}
