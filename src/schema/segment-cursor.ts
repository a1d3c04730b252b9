import { ServiceError } from '../services/errors.ts';

const FINAL = 'final';
const INTERIM = 'interim';

/** Cursor of a final within its session: the base64url of its sequence. */
export function finalCursor(sequence: number): string {
  return encode(FINAL, sequence);
}

/** Cursor of an interim within its session, of which there is at most one per channel. */
export function interimCursor(channel: number): string {
  return encode(INTERIM, channel);
}

/** @throws ServiceError `BAD_USER_INPUT` */
export function sequenceOf(cursor: string): number {
  return decode(FINAL, cursor);
}

/** @throws ServiceError `BAD_USER_INPUT` */
export function channelOf(cursor: string): number {
  return decode(INTERIM, cursor);
}

function encode(kind: string, position: number): string {
  return Buffer.from(`${kind}:${position}`).toString('base64url');
}

function decode(kind: string, cursor: string): number {
  const [, kindFound, digits] = /^(\w+):(\d{1,10})$/u.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const position = Number(digits);
  if (kindFound !== kind || encode(kind, position) !== cursor) {
    throw new ServiceError('BAD_USER_INPUT', 'This is no cursor of this list: use the `cursor` of one of its items.');
  }
  return position;
}
