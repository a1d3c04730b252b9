import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Long enough to listen to the longest recording after the page was loaded. */
const VALID_SECONDS = 24 * 60 * 60;
const UNTIL = 'until';
const SIGNATURE = 'signature';

/**
 * Links that give what they lead to without a token, for those that can't send one, such as a player in a page. Each is good for
 * one path and a day, and shows nothing of the token that it was signed with: https://www.rfc-editor.org/rfc/rfc2104.
 */
export class SignedLinks {
  readonly #key: Buffer | null;
  readonly #now: () => Date;

  /** @param authToken what is asked of everyone who wants data; `null`: nobody is asked, and links need no signature */
  constructor(authToken: string | null, now: () => Date = () => new Date()) {
    // Not the token itself: what is signed here is good for nothing else.
    this.#key = authToken === null ? null : createHash('sha256').update(`signed links\0${authToken}`).digest();
    this.#now = now;
  }

  /** @param path as it will be asked for, with its percent-encoding and without a query */
  sign(path: string): string {
    if (this.#key === null) return path;
    const until = String(this.#seconds() + VALID_SECONDS);
    const query = new URLSearchParams({ [UNTIL]: until, [SIGNATURE]: signatureOf(this.#key, path, until) });
    return `${path}?${query.toString()}`;
  }

  isSigned({ pathname, searchParams }: URL): boolean {
    const until = searchParams.get(UNTIL) ?? '';
    const signature = searchParams.get(SIGNATURE) ?? '';
    if (this.#key === null || !/^\d{1,12}$/u.test(until) || Number(until) < this.#seconds()) return false;
    const expected = Buffer.from(signatureOf(this.#key, pathname, until));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #seconds(): number {
    return Math.floor(this.#now().getTime() / 1000);
  }
}

function signatureOf(key: Buffer, path: string, until: string): string {
  return createHmac('sha256', key).update(`${until}\0${path}`).digest('base64url');
}
