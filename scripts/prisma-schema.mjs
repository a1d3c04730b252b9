// The Prisma schema of one database: its own datasource and generators (prisma/<provider>/schema.prisma) together with
// the models that all databases share (prisma/models/).
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const prismaFolder = path.join(packageRoot, 'prisma');

/**
 * @param {string} provider folder under prisma/, for example `sqlite`
 * @returns {{ name: string, content: string }[]} in a stable order
 */
export function schemaFiles(provider) {
  const own = path.join(prismaFolder, provider, 'schema.prisma');
  const shared = readdirSync(path.join(prismaFolder, 'models'))
    .filter((name) => name.endsWith('.prisma'))
    .toSorted()
    .map((name) => path.join(prismaFolder, 'models', name));
  return [own, ...shared].map((file) => ({ name: path.basename(file), content: readFileSync(file, 'utf8') }));
}
