// Fails when the JavaScript that a page of the web app must have before anything is shown is over its limit.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';

/** Bytes, gzipped: of the app and the page that is looked at. */
const LIMIT = 130_000;
/** Imports the pages, each lazily. */
const PAGES_MODULE = fileURLToPath(new URL('../web/src/pages.ts', import.meta.url));

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
const entries = [...chunks.values()].filter(({ isEntry }) => isEntry);
const pagesChunk = [...chunks.values()].find(({ moduleIds }) => moduleIds.includes(PAGES_MODULE));
if (entries.length === 0 || pagesChunk === undefined) throw new Error('The build has no entry, or no pages');
const initial = new Set<string>();
for (const { fileName } of entries) addWithImports(fileName, initial);

console.log(`Initial JavaScript of the web app, gzipped: ${kilobytes(sizeOf(initial))}, and for each page:`);
let largest = sizeOf(initial);
for (const page of pagesChunk.dynamicImports.filter((name) => !initial.has(name)).toSorted()) {
  const needed = new Set(initial);
  addWithImports(page, needed);
  largest = Math.max(largest, sizeOf(needed));
  const name = chunks.get(page)?.name ?? page;
  console.log(
    `  ${name.padEnd(16)} ${kilobytes(sizeOf(needed) - sizeOf(initial))}, together ${kilobytes(sizeOf(needed))}`,
  );
}
console.log(`Allowed are ${kilobytes(LIMIT)} for any page with all that it can not do without.`);
if (largest > LIMIT) {
  console.error('That is too much: load what is not needed at once with import(), or do without it.');
  process.exitCode = 1;
}

function addWithImports(name: string, names: Set<string>): void {
  if (names.has(name)) return;
  names.add(name);
  for (const imported of chunks.get(name)?.imports ?? []) addWithImports(imported, names);
}

function sizeOf(names: ReadonlySet<string>): number {
  let bytes = 0;
  for (const name of names) bytes += gzipSync(chunks.get(name)?.code ?? '', { level: 9 }).byteLength;
  return bytes;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

function isOutput(value: unknown): value is Rolldown.RolldownOutput {
  return typeof value === 'object' && value !== null && 'output' in value;
}
