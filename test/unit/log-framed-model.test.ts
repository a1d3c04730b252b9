import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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

type Groups = readonly (readonly Omit<Written, 'position' | 'end'>[])[];

/** Appends each group at once; groups one after the other. */
async function write(log: FramedLog, list: Groups): Promise<Written[]> {
  const written: Written[] = [];
  for (const group of list) {
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

interface Harmed {
  readonly path: string;
  readonly written: readonly Written[];
  /** All before it is known to have been durable. */
  readonly known: number;
  readonly isIntact: (range: ByteRange) => boolean;
}

/** Only when there is nothing in it, a log may not open. */
function expectNothingLeft({ written, isIntact }: Harmed, error: Error): void {
  expect(error instanceof LogIncompleteError || error instanceof LogFormatError).toBe(true);
  expect(isIntact({ start: 0, end: FILE_HEADER_BYTES })).toBe(false);
  expect(written.filter(({ position, end }) => isIntact({ start: position, end }))).toEqual([]);
}

function expectAllTold({ written, known, isIntact }: Harmed, { log, records }: Read): void {
  const byPosition = new Map(written.map((item) => [item.position, item]));
  for (const read of records) expect(read).toEqual(byPosition.get(read.position));
  const isRead = ({ position }: Written): boolean => records.some((read) => read.position === position);
  const isTold = ({ position, end }: Written): boolean =>
    log.damage.some((range) => range.start <= position && end <= range.end);
  const durable = written.filter(({ end }) => end <= known);
  expect(durable.map((item) => ({ item, read: isRead(item), told: isTold(item) }))).toEqual(
    durable.map((item) => {
      const intact = isIntact({ start: item.position, end: item.end });
      return { item, read: intact, told: !intact };
    }),
  );
  expect(log.durableEnd).toBeGreaterThanOrEqual(known);
}

/** A torn tail is gone: what is appended stands in its place, and is all that is there besides. */
async function expectGoesOn(path: string, { log, records }: Read, after: Groups): Promise<void> {
  const added = await write(log, after);
  const firstAdded = added[0]?.position ?? log.durableEnd;
  for (const { end } of records) expect(end).toBeLessThanOrEqual(firstAdded);
  expect((await readAll(log)).records).toEqual([...records, ...added]);
  await log.close();
  const again = await openLog(path);
  expect(again.records).toEqual([...records, ...added]);
  expect(again.log.damage).toEqual(log.damage);
  await again.log.close();
}

/** A log that was written to twice, closed or killed, and then met with harm. */
async function harmedLog(
  path: string,
  before: Groups,
  behind: Groups,
  harms: Harm[],
  isKilled: boolean,
): Promise<Harmed> {
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
  return { path, written, known: knownDurable(written, isIntact, original), isIntact };
}

describe('a framed log whose file comes to harm', () => {
  it('gives back or reports each record known to be durable, invents none, goes on', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verbatim-framed-model-'));
    const path = join(folder, 'test.log');
    const harms = fc.array(harm, { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(
      groups,
      groups,
      harms,
      fc.boolean(),
      groups,
      async (before, behind, met, isKilled, after) => {
        const harmed = await harmedLog(path, before, behind, met, isKilled);
        const opened = await openLog(path).catch((error: unknown) => error);
        if (opened instanceof Error) return expectNothingLeft(harmed, opened);
        expectAllTold(harmed, opened as Read);
        await expectGoesOn(path, opened as Read, after);
      },
    );
    await fc.assert(property, { numRuns: 120, interruptAfterTimeLimit: 60_000 });
    expect(await readdir(folder)).toEqual(['test.log']);
    await rm(folder, { recursive: true });
  });
});
