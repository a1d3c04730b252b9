// Names what would break clients between the schema.graphql of a git reference and the present one.
// Usage: tsx scripts/check-breaking-changes.ts [REFERENCE]      (default: origin/main, or main)
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSchema, findBreakingChanges, findDangerousChanges } from 'graphql';

const root = fileURLToPath(new URL('..', import.meta.url));
const reference = process.argv[2] ?? (isReference('origin/main') ? 'origin/main' : 'main');

const earlier = git('show', `${reference}:schema.graphql`);
if (earlier === null) {
  console.log(`${reference} has no schema.graphql: nothing to compare with.`);
} else {
  const before = buildSchema(earlier);
  const after = buildSchema(readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8'));
  const breaking = findBreakingChanges(before, after);
  const dangerous = findDangerousChanges(before, after);
  for (const { type, description } of dangerous) console.log(`dangerous: ${description} (${type})`);
  for (const { type, description } of breaking) console.error(`BREAKING: ${description} (${type})`);
  console.log(`Against ${reference}: ${breaking.length} breaking and ${dangerous.length} dangerous changes.`);
  process.exitCode = breaking.length > 0 ? 1 : 0;
}

function isReference(name: string): boolean {
  return git('rev-parse', '--verify', '--quiet', name) !== null;
}

/** The command's output, or `null` when it fails. */
function git(...args: string[]): string | null {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout : null;
}
