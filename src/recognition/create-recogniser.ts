import { describeEngine, type ModelName } from './engines.ts';
import { ProcessPool } from './process-pool.ts';
import { DEFAULT_TIMING, type ProcessTiming } from './process-timing.ts';
import { programBeside, type NodeProgram } from '../node-program.ts';
import type { ScriptedFaults } from './scripted/faults.ts';
import type { RecogniserLogger } from './supervised-process.ts';

export interface RecogniserOptions {
  readonly model: ModelName;
  /** Child processes, each with its own copy of the model; 1 or more. */
  readonly processes: number;
  /** Audio between two interims of an utterance, ms; 0: no interims. */
  readonly interimIntervalMs: number;
  /** Silence that ends an utterance, ms. */
  readonly endSilenceMs: number;
  /**
   * Silence that ends an utterance which is a whole sentence, ms.
   * @default endSilenceMs
   */
  readonly sentenceEndSilenceMs?: number;
  readonly logger: RecogniserLogger;
  readonly timing?: Partial<ProcessTiming>;
  /**
   * Lets some words of the scripted engine end, block or fail their process.
   * @default false
   */
  readonly scriptedFaults?: ScriptedFaults;
  /** @default the one that belongs to this program */
  readonly program?: NodeProgram;
}

/** The recogniser of a server: not started yet, but its capabilities and identity are known. */
export function createRecogniser(options: RecogniserOptions): ProcessPool {
  const { model, interimIntervalMs, endSilenceMs, scriptedFaults = false } = options;
  const { sentenceEndSilenceMs = endSilenceMs } = options;
  const { capabilities, identity } = describeEngine(model, { scriptedFaults });
  return new ProcessPool({
    capabilities,
    identity: { ...identity, settings: { ...identity.settings, endSilenceMs, sentenceEndSilenceMs } },
    processes: options.processes,
    program: options.program ?? programBeside(import.meta.url, 'recogniser-process'),
    settings: { model, interimIntervalMs, endSilenceMs, sentenceEndSilenceMs, scriptedFaults },
    timing: { ...DEFAULT_TIMING, ...options.timing },
    logger: options.logger,
  });
}
