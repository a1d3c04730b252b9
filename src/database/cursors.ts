import { z } from 'zod';
import { InvalidCursorError } from './store-errors.ts';

/**
 * Makes the cursors of one list: its sort key as JSON in base64url, marked with the list's name, so that a cursor of
 * one list is not taken for that of another.
 */
export interface CursorFormat<Key> {
  encode(key: Key): string;
  /** @throws InvalidCursorError */
  decode(cursor: string): Key;
}

export function cursorFormat<Key>(list: string, keySchema: z.ZodType<Key>): CursorFormat<Key> {
  const content = z.tuple([z.literal(list), keySchema]);
  return {
    encode: (key) => Buffer.from(JSON.stringify([list, key])).toString('base64url'),
    decode: (cursor) => {
      const parsed = content.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
      if (!parsed.success) {
        throw new InvalidCursorError('The cursor is not one of this list; use one from its edges or its pageInfo');
      }
      return parsed.data[1];
    },
  };
}

/** `undefined`, which no cursor is, when `text` is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
