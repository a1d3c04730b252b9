import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { ServiceError } from '../services/errors.ts';

/**
 * What a request asks for. `page`: something to look at, which holds no data. `probe`: whether the server is well. `data`:
 * everything else. `socket`: a WebSocket, which shows its token in its first message instead of a header.
 */
export type Door = 'page' | 'probe' | 'data' | 'socket';

/** What the decision is made from: headers as they came, `undefined` when absent. */
export interface Visitor {
  readonly door: Door;
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly authorization: string | undefined;
  /** Names that the certificate of an encrypted connection is for; `null`: it is not encrypted. */
  readonly certifiedNames: readonly string[] | null;
  /** The address itself shows that somebody with a token gave it (`SignedLinks`). */
  readonly isSignedLink: boolean;
}

export interface GuardPolicy {
  /** Where the server was told to listen: an address or a name. With a loopback address, no other one can be meant. */
  readonly host: string;
  /** Origins of other sites whose pages may use the API, for example `https://captions.example`. */
  readonly allowedOrigins: readonly string[];
  /** Asked of everyone who wants data; `null`: nobody is asked. */
  readonly authToken: string | null;
}

/** The origin to name in CORS headers, or `null` when the request needs none. */
export interface Admission {
  readonly corsOrigin: string | null;
}

/**
 * Decides over every request, whatever its door.
 *
 * A page of another site can make a visitor's browser talk to a server on the visitor's own machine: with its `Origin`
 * (refused unless allowed), without one (`Sec-Fetch-Site`), or, after rebinding its own name to that machine's address, as if
 * it were the same site (then `Host` is that name, where only addresses are right; a name in the certificate is no such one,
 * since browsers keep to the owner of a certificate).
 * https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/
 *
 * @throws ServiceError `FORBIDDEN` or `UNAUTHENTICATED`
 */
export function admit(visitor: Visitor, policy: GuardPolicy): Admission {
  if (!isOwnHost(visitor, policy)) {
    throw new ServiceError(
      'FORBIDDEN',
      'The Host header names no address of this server: use its IP address, or add the origin to ALLOWED_ORIGINS.',
    );
  }
  const corsOrigin = foreignOrigin(visitor);
  if (corsOrigin !== null && !policy.allowedOrigins.includes(corsOrigin)) {
    throw new ServiceError(
      'FORBIDDEN',
      'Pages of this origin may not use this server: add it to ALLOWED_ORIGINS if they should.',
    );
  }
  if (visitor.fetchSite === 'cross-site' && corsOrigin === null && !isVisit(visitor)) {
    throw new ServiceError('FORBIDDEN', 'Pages of other sites may not use this server.');
  }
  // A preflight carries no token; what it asks for does.
  const needsToken = visitor.door === 'data' && visitor.method !== 'OPTIONS' && !visitor.isSignedLink;
  if (needsToken) checkToken(visitor.authorization, policy);
  return { corsOrigin };
}

/**
 * @param authorization `Bearer <token>`, or the token alone
 * @throws ServiceError `UNAUTHENTICATED`
 */
export function checkToken(authorization: string | undefined, { authToken }: GuardPolicy): void {
  if (authToken === null) return;
  const token = authorization?.replace(/^bearer +/iu, '');
  if (token === undefined || !timingSafeEqual(digest(token), digest(authToken))) {
    throw new ServiceError(
      'UNAUTHENTICATED',
      'A valid token is needed: send "Authorization: Bearer <AUTH_TOKEN>", over WebSocket as connectionParams.authorization.',
    );
  }
}

/** Equal lengths, whatever the token's: comparing takes the same time for every guess. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function isOwnHost({ host: header, certifiedNames }: Visitor, { host, allowedOrigins }: GuardPolicy): boolean {
  const name = hostname(header);
  if (name === null) return false;
  if (isLoopback(name) || name === host.toLowerCase()) return true;
  if (!isLoopback(host) && (isIP(name) !== 0 || certifiedNames?.includes(name) === true)) return true;
  return allowedOrigins.some((origin) => hostname(new URL(origin).host) === name);
}

/** The name or address of a Host header, in lower case, without brackets; `null` when it is malformed. */
function hostname(host: string | undefined): string | null {
  const [, address, name] = /^(?:\[([\da-f:.]+)\]|([^\s:/?#@[\]]+))(?::\d{1,5})?$/iu.exec(host ?? '') ?? [];
  // A port may be none, and what follows makes an address of it.
  if (!URL.canParse(`http://${host}`)) return null;
  return (address ?? name)?.toLowerCase() ?? null;
}

/** Whether an IP address, or the name `localhost`, can only be this machine. */
function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/** The request's origin unless it is the server's own or there is none. */
function foreignOrigin({ origin, host, certifiedNames }: Visitor): string | null {
  if (origin === undefined) return null;
  const own = `${certifiedNames === null ? 'http' : 'https'}://${host}`;
  return URL.canParse(own) && new URL(own).origin === origin ? null : origin;
}

/** Someone follows a link, or types an address: the page is shown, not given to another one. */
function isVisit({ door, method, fetchMode }: Visitor): boolean {
  return door === 'page' && (method === 'GET' || method === 'HEAD') && fetchMode === 'navigate';
}
