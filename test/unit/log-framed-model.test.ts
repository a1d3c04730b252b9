import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramedLog } from '../../src/log/framed-log.ts';
import type { ByteRange } from '../../src/log/log-scan.ts';
import { FILE_HEADER_BYTES } from '../../src/log/record-format.ts';
import { LogFormatError, LogIncompleteError } from '../../src/log/storage-errors.ts';
import { damageTo, harm, type Harm } from '../support/file-harm.ts';

interface Written {
  readonly position: number;
  readonly end: number;
  readonly type: number;
  readonly text: string;
}

/** Appends each group at once; groups one after the other. */
async function write(
  log: FramedLog,
  groups: readonly (readonly Omit<Written, 'position' | 'end'>[])[],
): Promise<Written[]> {
  const written: Written[] = [];
  for (const group of groups) {
    const appends = group.map(async (record) => ({
      ...record,
      ...(await log.append(record.type, [Buffer.from(record.text)])),
    }));
    written.push(...(await Promise.all(appends)));
  }
  return written;
}

interface Read {
  readonly log: FramedLog;
  readonly records: Written[];
}

async function openLog(path: string): Promise<Read> {
  const records: Written[] = [];
  const damage: ByteRange[] = [];
  const log = await FramedLog.open(path, {
    record: ({ position, end, type, payload }) => records.push({ position, end, type, text: payload.toString() }),
    damage: (range) => damage.push(range),
  });
  expect(damage).toEqual(log.damage);
  return { log, records };
}

async function readAll(log: FramedLog): Promise<{ records: Written[]; damage: ByteRange[] }> {
  const records: Written[] = [];
  const damage: ByteRange[] = [];
  const reader = log.readerAt(log.start);
  for (let item = await reader.next(); item !== null; item = await reader.next()) {
    if (item.kind === 'damage') damage.push(item.range);
    else {
      const { position, end, type, payload } = item.record;
      records.push({ position, end, type, text: payload.toString() });
    }
  }
  return { records, damage };
}

/** What one who only knows the bytes can know to have been durable: what the intact records and the mark say. */
function knownDurable(written: readonly Written[], isIntact: (range: ByteRange) => boolean, original: Buffer): number {
  let known = 0;
  const last = written.at(-1)?.end ?? FILE_HEADER_BYTES;
  for (const { position, end } of written) {
    if (isIntact({ start: position, end })) known = Math.max(known, Number(original.readBigUInt64LE(position + 24)));
  }
  if (last < original.length && isIntact({ start: last, end: original.length })) known = Math.max(known, last);
  return known;
}

const text = fc.oneof(
  { weight: 50, arbitrary: fc.string({ maxLength: 60 }) },
  // What looks most like the format itself.
  { weight: 2, arbitrary: fc.constant('VERBATIM') },
  { weight: 1, arbitrary: fc.nat({ max: 200_000 }).map((length) => 'x'.repeat(length)) },
);
const record = fc.record({ type: fc.integer({ min: 1, max: 255 }), text });
const groups = fc.array(fc.array(record, { minLength: 1, maxLength: 6 }), { maxLength: 8 });

describe('a framed log whose file comes to harm', () => {
  it(
    'gives back or reports every record known to be durable, invents nothing, and goes on',
    { timeout: 120_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'verbatim-framed-model-'));
      const path = join(folder, 'test.log');
      const property = fc.asyncProperty(
        groups,
        groups,
        fc.array(harm, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        groups,
        async (before, behind, harms: Harm[], isKilled, after) => {
          await rm(path, { force: true });
          const created = await FramedLog.create(path);
          const written = await write(created, before);
          await created.close();
          // Over the mark of the first closing.
          const reopened = await openLog(path);
          expect(reopened.records).toEqual(written);
          written.push(...(await write(reopened.log, behind)));
          await reopened.log.close();

          const closed = await readFile(path);
          const original = isKilled ? closed.subarray(0, reopened.log.durableEnd) : closed;
          const { bytes, isIntact } = damageTo(original, harms);
          await writeFile(path, bytes);
          const known = knownDurable(written, isIntact, original);

          const opened = await openLog(path).catch((error: unknown) => error);
          if (opened instanceof Error) {
            // Only when there is nothing in it.
            expect(opened instanceof LogIncompleteError || opened instanceof LogFormatError).toBe(true);
            expect(isIntact({ start: 0, end: FILE_HEADER_BYTES })).toBe(false);
            expect(written.filter(({ position, end }) => isIntact({ start: position, end }))).toEqual([]);
            return;
          }
          const { log, records } = opened as Read;
          for (const read of records) expect(written).toContainEqual(read);
          const isTold = ({ position, end }: Written): boolean =>
            log.damage.some((range) => range.start <= position && end <= range.end);
          for (const item of written) {
            const intact = isIntact({ start: item.position, end: item.end });
            const found = records.some(({ position }) => position === item.position);
            if (item.end <= known)
              expect({ item, found, told: isTold(item) }).toEqual({ item, found: intact, told: !intact });
          }
          expect(log.durableEnd).toBeGreaterThanOrEqual(known);

          // A torn tail is gone: what is appended stands in its place, and is all that is there besides.
          const added = await write(log, after);
          const firstAdded = added[0]?.position ?? log.durableEnd;
          for (const { end } of records) expect(end).toBeLessThanOrEqual(firstAdded);
          expect((await readAll(log)).records).toEqual([...records, ...added]);
          const { damage } = log;
          await log.close();
          const again = await openLog(path);
          expect(again.records).toEqual([...records, ...added]);
          expect(again.log.damage).toEqual(damage);
          await again.log.close();
        },
      );
      await fc.assert(property, { numRuns: 120, interruptAfterTimeLimit: 60_000 });
      await rm(folder, { recursive: true });
    },
  );
});
