import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { copyDatabase } from '../../src/database/backup.ts';
import { batch, newSession, progress, useTemporaryDatabase, useTemporaryFolder } from './database-fixtures.ts';

const never = new AbortController().signal;

describe('a copy of the database', () => {
  const database = useTemporaryDatabase();
  const folder = useTemporaryFolder();

  it('has everything that was committed, in one file, and names the sessions with their checkpoints', async () => {
    const { store, file } = database();
    await store.createSession(newSession('a', { createdAt: new Date(1) }));
    await store.createSession(newSession('b', { createdAt: new Date(2) }));
    await store.commitBatch(batch('a', 0, 700, { session: progress({ status: 'COMPLETED' }) }));
    await store.commitBatch(batch('b', 0, 300, { session: progress({ status: 'FINALIZING' }) }));

    expect(await copyDatabase(file, path.join(folder(), 'copy.db'), never)).toEqual([
      { id: 'a', isOver: true, journalPosition: 700 },
      { id: 'b', isOver: false, journalPosition: 300 },
    ]);
    expect(await readdir(folder())).toEqual(['copy.db']);
  });

  it('is that of one moment, however much is written meanwhile, and does not begin anew for it', async () => {
    const { other, file } = database();
    // Some 20 MiB: several steps of copying.
    other.exec(`CREATE TABLE bulk (number INTEGER, padding BLOB)`);
    const insert = other.prepare('INSERT INTO bulk VALUES (?, zeroblob(1000000))');
    for (let number = 0; number < 20; number += 1) insert.run(number);

    let commits = 0;
    const copying = copyDatabase(file, path.join(folder(), 'copy.db'), never).finally(() => (commits = Infinity));
    const write = () => {
      if (commits === Infinity) return;
      // Two rows that belong together, in one transaction.
      other.transaction(() => {
        insert.run(-1);
        insert.run(-1);
      })();
      commits += 1;
      setImmediate(write);
    };
    setImmediate(write);
    await copying;

    const copy = new BetterSqlite3(path.join(folder(), 'copy.db'), { readonly: true });
    const { before, later } = copy
      .prepare<[], { before: number; later: number }>(
        'SELECT SUM(number >= 0) AS before, SUM(number < 0) AS later FROM bulk',
      )
      .get() ?? { before: 0, later: 0 };
    copy.close();
    expect(before).toBe(20);
    expect(later % 2).toBe(0);
    expect(other.prepare('SELECT COUNT(*) > 20 AS more FROM bulk').get()).toEqual({ more: 1 });
  });

  it('is refused where there is no database, none of this program, or a damaged one', async () => {
    const copy = path.join(folder(), 'copy.db');
    const absent = path.join(folder(), 'absent.db');
    await expect(copyDatabase(absent, copy, never)).rejects.toThrow(`There is no database at ${absent}`);

    const foreign = path.join(folder(), 'foreign.db');
    new BetterSqlite3(foreign).exec('CREATE TABLE songs (title TEXT)').close();
    await expect(copyDatabase(foreign, copy, never)).rejects.toThrow(/no database of this program/u);

    const text = path.join(folder(), 'text.db');
    await writeFile(text, 'This is not a database at all, however long it is.'.repeat(100));
    await expect(copyDatabase(text, path.join(folder(), 'copy-2.db'), never)).rejects.toThrow(/not a database/u);

    const { other, file } = database();
    other.exec('CREATE TABLE bulk (text TEXT)');
    for (let number = 0; number < 2_000; number += 1) {
      other.prepare('INSERT INTO bulk VALUES (?)').run(`row ${number} `.repeat(20));
    }
    const { rootpage } = other
      .prepare<[], { rootpage: number }>(`SELECT rootpage FROM sqlite_schema WHERE name = 'bulk'`)
      .get() ?? { rootpage: 0 };
    await copyDatabase(file, path.join(folder(), 'copy-3.db'), never);
    await overwritePage(path.join(folder(), 'copy-3.db'), rootpage);
    await expect(
      copyDatabase(path.join(folder(), 'copy-3.db'), path.join(folder(), 'copy-4.db'), never),
    ).rejects.toThrow(/is damaged/u);
  });

  it('is given up when another program holds the whole database, rather than made empty', async () => {
    const foreign = path.join(folder(), 'held.db');
    const holder = new BetterSqlite3(foreign);
    holder.exec('CREATE TABLE sessions (id TEXT); BEGIN EXCLUSIVE');
    await expect(copyDatabase(foreign, path.join(folder(), 'copy.db'), never, 0)).rejects.toThrow(/locked/u);
    holder.close();
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(copyDatabase(database().file, path.join(folder(), 'copy.db'), stop.signal)).rejects.toThrow(
      /aborted/u,
    );
  });
});

async function overwritePage(file: string, page: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.fill(0xff, (page - 1) * 4_096, page * 4_096);
  await writeFile(file, bytes);
}
