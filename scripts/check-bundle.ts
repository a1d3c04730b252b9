// Fails when the web app's initial JavaScript, all that must be there before anything is shown, is over its limit.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';

/** Bytes, gzipped. */
const LIMIT = 130_000;

const result = await build({
  configFile: fileURLToPath(new URL('../web/vite.config.ts', import.meta.url)),
  build: { write: false },
});
const outputs: readonly unknown[] = Array.isArray(result) ? result : [result];
const chunks = new Map(
  outputs
    .flatMap((output) => (isOutput(output) ? output.output : []))
    .flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file]] : [])),
);
const initial = new Set<string>();
const entries = [...chunks.values()].filter(({ isEntry }) => isEntry);
if (entries.length === 0) throw new Error('The build has no entry');
for (const { fileName } of entries) addWithImports(fileName);

let total = 0;
for (const name of initial) total += gzipSync(chunks.get(name)?.code ?? '', { level: 9 }).byteLength;
console.log(
  `Initial JavaScript of the web app: ${(total / 1000).toFixed(1)} kB gzipped, of ${LIMIT / 1000} kB allowed.`,
);
if (total > LIMIT) {
  console.error('That is too much: load what is not needed at once with import(), or do without it.');
  process.exitCode = 1;
}

function addWithImports(name: string): void {
  if (initial.has(name)) return;
  initial.add(name);
  for (const imported of chunks.get(name)?.imports ?? []) addWithImports(imported);
}

function isOutput(value: unknown): value is Rolldown.RolldownOutput {
  return typeof value === 'object' && value !== null && 'output' in value;
}
