import type { ServerOptions } from 'node:http';
import { Server } from 'node:https';
import { Socket } from 'node:net';
import type { Logger } from '../services/logger.ts';
import { CertificateError, readCertificate, untimely, type Certificate, type CertificateFiles } from './certificate.ts';
import { sortOutPlainVisitors } from './plain-visitors.ts';

export interface SecureServerParts {
  readonly files: CertificateFiles;
  readonly logger: Logger;
  /** Milliseconds that a client may take to agree on keys. */
  readonly handshakeLimitMs: number;
  /** How often it is looked whether the files have changed, in milliseconds. */
  readonly lookMs: number;
}

/** Node's HTTPS server, which takes a certificate up that was renewed on the disk, and leads plain visitors to HTTPS. */
export class SecureServer extends Server {
  readonly #parts: SecureServerParts;
  #certificate: Certificate;
  #refused: string | null = null;
  /** Beneath the encryption. */
  readonly #connections = new Set<Socket>();

  /** @throws CertificateError */
  constructor(options: ServerOptions, parts: SecureServerParts) {
    const certificate = readCertificate(parts.files);
    const { cert, key } = certificate;
    super({ ...options, cert, key, handshakeTimeout: parts.handshakeLimitMs });
    this.#parts = parts;
    this.#certificate = certificate;
    this.#tell('certificate loaded');
    // Node hands these to `clientError`, which answers in HTTP: nobody could read it, and waiting until it is read has no end.
    this.removeAllListeners('tlsClientError');
    this.on('tlsClientError', (error, socket) => {
      parts.logger.debug({ err: error }, 'no TLS connection');
      socket.destroy();
    });
    const looks = setInterval(() => this.#takeUp(), parts.lookMs);
    looks.unref();
    this.once('close', () => clearInterval(looks));
  }

  /** Holds connections back until it is clear that they speak TLS. */
  override emit(event: string, ...values: unknown[]): boolean {
    const [socket] = values;
    if (event !== 'connection' || !(socket instanceof Socket)) return super.emit(event, ...values);
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    sortOutPlainVisitors(socket, this.#parts.handshakeLimitMs, () => super.emit(event, socket));
    return true;
  }

  /** DNS names that the certificate is for. */
  get names(): readonly string[] {
    return this.#certificate.names;
  }

  /** Also those that have not agreed on keys yet, of which Node's server knows nothing. */
  override closeAllConnections(): void {
    super.closeAllConnections();
    for (const socket of this.#connections) socket.destroy();
  }

  /** The two files are seldom written at one moment: what does not fit is looked at again. */
  #takeUp(): void {
    try {
      const certificate = readCertificate(this.#parts.files);
      this.#refused = null;
      const { cert, key } = certificate;
      if (cert.equals(this.#certificate.cert) && key.equals(this.#certificate.key)) return;
      this.setSecureContext({ cert, key });
      this.#certificate = certificate;
      this.#tell('certificate renewed');
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      if (this.#refused !== error.message) {
        this.#parts.logger.warn({ reason: error.message }, 'certificate not renewed: the one before is used on');
      }
      this.#refused = error.message;
    }
  }

  #tell(event: string): void {
    const { names, validUntil } = this.#certificate;
    this.#parts.logger.info({ names, validUntil }, event);
    const warning = untimely(this.#certificate);
    if (warning !== null) this.#parts.logger.warn({}, warning);
  }
}
