// Generates the Prisma client and Pothos' types into src/database/generated. Does nothing when its inputs are those of
// the last run. Reaches for no network: Prisma's command line would otherwise fetch its native schema engine, which
// generating does not use.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot, prismaFolder, schemaFiles } from './prisma-schema.mjs';

const output = path.join(packageRoot, 'src', 'database', 'generated');
const results = [path.join(output, 'prisma', 'client.ts'), path.join(output, 'pothos.ts')];
const stamp = path.join(output, 'inputs.sha256');
const resolve = createRequire(import.meta.url).resolve;

const files = schemaFiles('sqlite');
const inputs = hashOfInputs();
if (results.every((file) => existsSync(file)) && readIfPresent(stamp) === inputs) process.exit(0);

rmSync(output, { recursive: true, force: true });
// Beside prisma/sqlite, so that the relative paths in its schema.prisma mean the same; Prisma reads one folder only.
const assembled = mkdtempSync(path.join(prismaFolder, '.generate-'));
try {
  for (const { name, content } of files) writeFileSync(path.join(assembled, name), content);
  runPrisma(['generate', '--schema', assembled, '--no-hints']);
} finally {
  rmSync(assembled, { recursive: true, force: true });
}
writeFileSync(stamp, inputs);

function hashOfInputs() {
  const hash = createHash('sha256');
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  for (const { name, content } of files) hash.update(`${name}\0${content}\0`);
  for (const name of ['prisma', '@prisma/client', '@pothos/plugin-prisma']) {
    hash.update(`${name}@${JSON.parse(readFileSync(packageJsonOf(name), 'utf8')).version}\0`);
  }
  return hash.digest('hex');
}

/** Not resolved as a module: some packages do not export their package.json. */
function packageJsonOf(name) {
  const roots = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const found = roots.map((root) => path.join(root, name, 'package.json')).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is not installed; run "npm install" first`);
  return found;
}

/** @param {string[]} args */
function runPrisma(args) {
  const binaries = path.join(packageRoot, 'node_modules', '.bin');
  // On Windows the variable is spelled `Path`.
  const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  const { status, error, stdout, stderr } = spawnSync(process.execPath, [resolve('prisma/build/index.js'), ...args], {
    cwd: packageRoot,
    encoding: 'utf8',
    env: {
      ...process.env,
      // Where Prisma looks for the generator `prisma-pothos-types`.
      [pathName]: [binaries, process.env[pathName]].filter(Boolean).join(path.delimiter),
      // Any file that exists keeps Prisma from fetching the engine; a command that needs it fails on this one.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    },
  });
  if (error !== undefined) throw error;
  if (status !== 0) {
    process.stderr.write(`${stdout}${stderr}`);
    throw new Error(`prisma ${args[0]} failed with exit code ${status}`);
  }
}

/** @param {string} file */
function readIfPresent(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}
