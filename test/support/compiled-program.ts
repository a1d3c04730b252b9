import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** The program as `compile-program.ts` makes it before the tests, as deep in the project as its sources are. */
export const COMPILED = path.join(PROJECT, '.compiled');

/** @param source below `src` */
export function compiled(source: string): string {
  return path.join(COMPILED, source.replace(/\.ts$/u, '.js'));
}

/** What a recogniser of the test's own process runs as its processes. */
export const COMPILED_RECOGNISER = { file: compiled('recognition/recogniser-process.ts'), nodeArguments: [] };
