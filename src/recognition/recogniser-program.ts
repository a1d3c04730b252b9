import { fileURLToPath } from 'node:url';

/** What node runs as a recogniser process. */
export interface RecogniserProgram {
  /** Path of its entry. */
  readonly file: string;
  /** Node's own arguments. */
  readonly nodeArguments: readonly string[];
}

/** The one beside this file, compiled or not. */
export function ownProgram(): RecogniserProgram {
  const isSource = import.meta.url.endsWith('.ts');
  const needsLoader = isSource && !process.execArgv.some((argument) => argument.includes('tsx'));
  return {
    file: fileURLToPath(new URL(`./recogniser-process.${isSource ? 'ts' : 'js'}`, import.meta.url)),
    nodeArguments: needsLoader ? [...process.execArgv, '--import', 'tsx'] : process.execArgv,
  };
}
