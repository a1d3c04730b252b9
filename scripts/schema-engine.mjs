// Prisma's schema engine as WebAssembly: tells how a SQLite file differs from the models. Its interface is not promised
// to be stable, hence a development tool only, pinned to one version.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { packageRoot, schemaFiles } from './prisma-schema.mjs';

// What a bundler would do with the package's own entry, whose import of a .wasm file Node does not understand.
const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
const binary = readFileSync(path.join(path.dirname(entry), 'schema_engine_bg.wasm'));
const instance = new WebAssembly.Instance(new WebAssembly.Module(binary), { './schema_engine_bg.js': bindings });
// oxlint-disable-next-line no-underscore-dangle -- named by wasm-bindgen
bindings.__wbg_set_wasm(instance.exports);
// oxlint-disable-next-line no-underscore-dangle -- named by wasm-bindgen
instance.exports.__wbindgen_start();

/** The index of what was said, which models can't describe: the virtual table, and those that SQLite keeps for it. */
const SEARCH_TABLES = ['', '_config', '_content', '_data', '_docsize', '_idx'].map((part) => `segment_search${part}`);

/**
 * The SQL that brings the schema of a SQLite file to that of the models; `null` when they agree.
 *
 * @param {string} databaseFile
 * @returns {Promise<string | null>}
 */
export async function migrationToModels(databaseFile) {
  const files = schemaFiles('sqlite').map(({ name, content }) => ({ path: name, content }));
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaBetterSqlite3({ url: databaseFile }));
  const engine = await bindings.SchemaEngine.new(
    { datamodels: files.map((file) => [file.path, file.content]) },
    () => {},
    adapter,
  );
  try {
    const { exitCode, stdout } = await engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: packageRoot },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: true,
      filters: { externalTables: ['_prisma_migrations', ...SEARCH_TABLES], externalEnums: [] },
    });
    return exitCode === 0 ? null : stdout;
  } finally {
    engine.free();
  }
}
