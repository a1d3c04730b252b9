import path from 'node:path';
import { parseArgs } from 'node:util';

export const MODELS = ['base', 'tiny'] as const;
export type ModelName = (typeof MODELS)[number];

export interface Options {
  /** Empty: all. */
  readonly names: readonly string[];
  readonly model: ModelName;
  /** `null`: wherever there is some. */
  readonly speechDirectory: string | null;
  readonly serverEntry: string;
  readonly details: boolean;
  /** Whether the page of figures shall have what is measured. */
  readonly record: boolean;
  readonly help: boolean;
}

/** The command line asks for something that there is not; the message is all that is printed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `npm run bench -- [NAME …] [options]
Without a name all benchmarks are run, and docs/benchmarks.md is written anew. A target that is missed is shown, and no error.
  --model base|tiny   which model recognises speech (base)
  --speech DIR        recordings: WAV files and a manifest.tsv (file, seconds, reference, source, licence)
  --server FILE       the server's entry: src/main.ts (default) or a compiled dist/main.js, whose processes are smaller
  --update            write what the named ones measured into their sections of docs/benchmarks.md
  --details           also what each file contributed
  --help              this text`;

/**
 * Reads the command line.
 * @param names those of all benchmarks
 * @param projectRoot where relative defaults are
 * @throws UsageError
 */
export function readOptions(given: readonly string[], names: readonly string[], projectRoot: string): Options {
  const { values, positionals } = parse(given);
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no benchmark "${unknown}"; there are: ${names.join(', ')}`);
  }
  const model = MODELS.find((name) => name === values.model);
  if (model === undefined) throw new UsageError(`--model is ${MODELS.join(' or ')}, not "${values.model}"`);
  return {
    names: positionals,
    model,
    speechDirectory: values.speech === undefined ? null : path.resolve(values.speech),
    serverEntry: path.resolve(values.server ?? path.join(projectRoot, 'src/main.ts')),
    details: values.details,
    record: positionals.length === 0 || values.update,
    help: values.help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        model: { type: 'string', default: 'base' },
        speech: { type: 'string' },
        server: { type: 'string' },
        update: { type: 'boolean', default: false },
        details: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
