import { ServiceError } from '../services/errors.ts';

/** SQLite refuses patterns of 50,000 bytes; nobody types as much as this. */
const MAX_LENGTH = 1_000;

/**
 * A text to search for, as it was given; null is none.
 * @throws ServiceError `BAD_USER_INPUT` when it is too long
 */
export function searchText(name: string, text: string | null | undefined): string | undefined {
  if (text === null || text === undefined) return undefined;
  if (text.length <= MAX_LENGTH) return text;
  throw new ServiceError('BAD_USER_INPUT', `\`${name}\` may have ${MAX_LENGTH} characters at most.`);
}
