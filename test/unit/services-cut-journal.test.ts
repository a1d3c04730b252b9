import { readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { batch, finalSegment, newSession, progress, useTemporaryDatabase } from './database-fixtures.ts';
import { finalEntry, openSession } from './segment-writer-fixtures.ts';

describe('a session whose journal was cut', () => {
  const database = useTemporaryDatabase();
  const folder = () => path.dirname(database().file);
  const open = () => openSession(database().store, folder(), 'a');

  /** Three finals in the journal. @returns the journal's path, and its length with none and with each of them. */
  async function threeFinals(): Promise<{ journal: string; ends: number[] }> {
    await database().store.createSession(newSession('a'));
    const session = await open();
    expect(session.journalWasCut).toBe(false);
    const ends = [session.journal.durableEnd];
    for (const sequence of [1, 2, 3]) {
      await session.append(finalEntry(sequence));
      ends.push(session.journal.durableEnd);
    }
    await session.close();
    return { journal: session.journal.path, ends };
  }

  it('knows so after a crash right behind the repair, too: subscribers may have seen more than it has', async () => {
    const { journal } = await threeFinals();
    const bytes = await readFile(journal);
    const place = bytes.indexOf('sentence 2');
    bytes.writeUInt8(bytes.readUInt8(place) ^ 0xff, place);
    await writeFile(journal, bytes);
    for (const _ of ['repaired', 'opened again']) {
      const session = await open();
      expect(session.state.lastSequence).toBe(1);
      expect(session.journalWasCut).toBe(true);
      await session.close();
    }
  });

  it('knows so when only the database has seen more, and its checkpoint was put back already', async () => {
    const { journal, ends } = await threeFinals();
    const [start = 0, afterFirst = 0, , end = 0] = ends;
    const { store } = database();
    const finals = [1, 2, 3].map((sequence) => finalSegment('a', sequence));
    const session = progress({ statistics: { totalSegments: 3 } });
    await store.commitBatch(batch('a', 0, end, { finals, session }));
    await truncate(journal, afterFirst);
    await store.rewindCheckpoint('a', afterFirst);
    expect(afterFirst).toBeGreaterThan(start);

    const cut = await open();
    expect(cut.state.lastSequence).toBe(1);
    expect(cut.journalWasCut).toBe(true);
    await cut.close();
  });
});
