import {
  claimedRecordLength,
  decodeRecord,
  encodeRecordHeader,
  FILE_HEADER_BYTES,
  RECORD_HEADER_BYTES,
} from '../../src/log/record-format.ts';
import { mutateBytes } from './mutations.ts';
import type { Random } from './random.ts';

interface Piece {
  readonly type: number;
  readonly durable: number;
  readonly payload: Buffer;
}

/**
 * Damages a log as disks and crashes do: nothing that it holds afterwards was made by hand, so whatever is still taken for a
 * record must be one that was written.
 */
export function damage(log: Buffer, random: Random): Buffer {
  switch (random.below(6)) {
    case 0:
      return log.subarray(0, random.between(0, log.length));
    case 1: {
      const zeroed = Buffer.from(log);
      const start = random.below(log.length);
      return zeroed.fill(0, start, Math.min(log.length, start + random.pick([1, 16, 512, 4_096, log.length])));
    }
    case 2:
      return Buffer.concat([
        log,
        random.chance(0.5) ? random.bytes(random.below(300)) : log.subarray(random.below(log.length)),
      ]);
    case 3: {
      const records = recordsOf(log).map(({ payload }) => payload.length + RECORD_HEADER_BYTES);
      const ends = records.reduce<number[]>(
        (all, length) => [...all, (all.at(-1) ?? FILE_HEADER_BYTES) + length],
        [FILE_HEADER_BYTES],
      );
      const [a = 0, b = 0, c = 0] = [random.pick(ends), random.pick(ends), random.pick(ends)].toSorted((x, y) => x - y);
      return Buffer.concat([log.subarray(0, a), log.subarray(b, c), log.subarray(a, b), log.subarray(c)]);
    }
    default:
      return mutateBytes(log, random, 6);
  }
}

/** Makes a log whose records are all intact and say what they should not: other orders, types and contents. */
export function forge(log: Buffer, random: Random): Buffer {
  const records = recordsOf(log);
  for (let left = random.between(1, 4); left > 0 && records.length > 0; left--) {
    const at = random.below(records.length);
    const record = records[at];
    const other = records[random.below(records.length)];
    if (record === undefined || other === undefined) continue;
    switch (random.below(6)) {
      case 0:
        records.splice(at, 1);
        break;
      case 1:
        records.splice(at, 0, other);
        break;
      case 2:
        records[at] = { ...record, type: random.pick([0, 1, 2, 3, 4, 5, 255]) };
        break;
      case 3:
        records[at] = { ...record, durable: random.pick([0, 1, FILE_HEADER_BYTES, log.length, 2 ** 53 - 1]) };
        break;
      default:
        records[at] = { ...record, payload: mutateBytes(record.payload, random, 3) };
    }
  }
  const parts: Buffer[] = [log.subarray(0, FILE_HEADER_BYTES)];
  let position = FILE_HEADER_BYTES;
  for (const { type, durable, payload } of records) {
    parts.push(encodeRecordHeader({ type, position, durable: Math.min(durable, position) }, [payload]), payload);
    position += RECORD_HEADER_BYTES + payload.length;
  }
  return Buffer.concat(parts);
}

/** The records of a log that is whole. */
function recordsOf(log: Buffer): Piece[] {
  const records: Piece[] = [];
  for (let position = FILE_HEADER_BYTES; position < log.length;) {
    const length = claimedRecordLength(log, position, position);
    const record = length === null ? null : decodeRecord(log, position, position, length);
    if (record === null) throw new Error('The log that is to be damaged is damaged');
    records.push({ type: record.type, durable: record.durable, payload: record.payload });
    position = record.end;
  }
  return records;
}
