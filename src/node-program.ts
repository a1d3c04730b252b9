import { fileURLToPath } from 'node:url';

/** What node runs as a process of its own. */
export interface NodeProgram {
  /** Path of its entry. */
  readonly file: string;
  /** Node's own arguments. */
  readonly nodeArguments: readonly string[];
}

/**
 * The program whose entry lies beside a module, compiled or not.
 * @param moduleUrl `import.meta.url` of the module
 * @param name of the entry's file, without its extension
 */
export function programBeside(moduleUrl: string, name: string): NodeProgram {
  const isSource = moduleUrl.endsWith('.ts');
  const needsLoader = isSource && !process.execArgv.some((argument) => argument.includes('tsx'));
  return {
    file: fileURLToPath(new URL(`./${name}.${isSource ? 'ts' : 'js'}`, moduleUrl)),
    nodeArguments: needsLoader ? [...process.execArgv, '--import', 'tsx'] : process.execArgv,
  };
}
