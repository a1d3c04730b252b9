import { WebSocket } from 'ws';
import type { ServerAddress, WebSocketImplementation } from '../client/connection.ts';
import { VerbatimError } from '../client/errors.ts';
import { CommandLineError } from './errors.ts';

/** Where a server is, and how it is reached. */
export interface ServerDoor extends ServerAddress {
  /** That of `ws` when absent. */
  readonly webSocket?: WebSocketImplementation;
}

/**
 * Asks for no certificate's authority. For a server of this machine that said itself, in its data directory, where it listens: its
 * certificate is for the names that others call it by, and who could listen in its place could as well read that directory.
 */
class UncheckedWebSocket extends WebSocket {
  constructor(url: string, protocols?: string | string[]) {
    super(url, protocols, { rejectUnauthorized: false });
  }
}

export function webSocketOf({ webSocket = WebSocket }: ServerDoor): WebSocketImplementation {
  return webSocket;
}

/** The server that works on a data directory of this machine. */
export function doorNearby(url: URL, token: string | null): ServerDoor {
  return { url, token, webSocket: UncheckedWebSocket };
}

/** By Node's codes of what is wrong with a certificate, https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const NOT_TRUSTED = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];
const TRUST_ADVICE =
  'name the file of the authority that signed it, or of the certificate if it signed itself, in NODE_EXTRA_CA_CERTS (with mkcert: NODE_EXTRA_CA_CERTS="$(mkcert -CAROOT)/rootCA.pem")';

/** The same error, or one that says what to do at the command line. */
export function withAdvice(error: unknown, { url }: ServerAddress): unknown {
  if (!(error instanceof VerbatimError)) return error;
  const server = `the server at ${url.href}`;
  if (error.code === 'UNAUTHENTICATED') {
    return new CommandLineError(
      `${server} refuses the connection: give its token with --token, or in the variable AUTH_TOKEN`,
      { cause: error },
    );
  }
  const reason = reasonOf(error.cause);
  const advice = adviceOn(reason?.code);
  if (reason === null || advice === null) return error;
  return new CommandLineError(`${server} can't be reached safely (${reason.message}): ${advice}`, { cause: error });
}

function adviceOn(code: string | undefined): string | null {
  if (code === undefined) return null;
  if (NOT_TRUSTED.includes(code)) return TRUST_ADVICE;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'use a name or an address that its certificate is for';
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has to be renewed';
  if (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'it seems to speak HTTP: use http://';
  return null;
}

/** Of what `ws` reports: an event with the error in it. */
function reasonOf(cause: unknown): { code: string; message: string } | null {
  const error = typeof cause === 'object' && cause !== null && 'error' in cause ? cause.error : cause;
  if (!(error instanceof Error) || !('code' in error)) return null;
  return { code: String(error.code), message: error.message };
}
