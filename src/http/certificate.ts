import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** Where a certificate and its key are: paths of PEM files. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What the server shows to those who come by HTTPS. */
export interface Certificate {
  /** PEM, with the certificates of the authorities between it and a known one. */
  readonly cert: Buffer;
  /** PEM. */
  readonly key: Buffer;
  /** DNS names that it is for, in lower case; without those that stand for many (`*.example.com`). */
  readonly names: readonly string[];
  readonly validFrom: Date;
  readonly validUntil: Date;
}

/** The files can't be used; `message` says what to do about it. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

/** @throws CertificateError when a file is missing, is not what it should be, or the key is another certificate's */
export function readCertificate({ certFile, keyFile }: CertificateFiles): Certificate {
  const cert = read('TLS_CERT', certFile);
  const key = read('TLS_KEY', keyFile);
  const certificate = parseCertificate(cert, certFile);
  if (!certificate.checkPrivateKey(parseKey(key, keyFile))) {
    throw new CertificateError(
      `TLS_KEY (${keyFile}) is not the key of the certificate TLS_CERT (${certFile}): give the two that were made together.`,
    );
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new CertificateError(
      `TLS_CERT (${certFile}) and TLS_KEY (${keyFile}) can't be used: ${messageOf(error)}. They must be PEM files.`,
      { cause: error },
    );
  }
  return {
    cert,
    key,
    names: namesOf(certificate),
    validFrom: new Date(certificate.validFrom),
    validUntil: new Date(certificate.validTo),
  };
}

/** A sentence when browsers will refuse it for its dates; else `null`. */
export function untimely({ validFrom, validUntil }: Certificate, now = new Date()): string | null {
  if (validUntil < now) return `the certificate expired on ${validUntil.toISOString()}: browsers refuse it, renew it`;
  if (validFrom > now)
    return `the certificate is valid from ${validFrom.toISOString()} on: look at this machine's clock`;
  return null;
}

function read(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CertificateError(`${setting} can't be read: ${messageOf(error)}. Give the path of a PEM file.`, {
      cause: error,
    });
  }
}

function parseCertificate(pem: Buffer, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new CertificateError(`TLS_CERT (${file}) has no certificate in PEM format.`, { cause: error });
  }
}

function parseKey(pem: Buffer, file: string): KeyObject {
  // RFC 7468, section 11, and RFC 1421, section 4.6.1.1.
  if (pem.includes('ENCRYPTED')) {
    throw new CertificateError(
      `TLS_KEY (${file}) has a passphrase, which nobody could type at each start: take it off with openssl pkey -in ${file} -out key.pem`,
    );
  }
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new CertificateError(`TLS_KEY (${file}) has no private key in PEM format.`, { cause: error });
  }
}

/** https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.6, as Node writes it: `DNS:localhost, IP Address:127.0.0.1` */
function namesOf({ subjectAltName }: X509Certificate): string[] {
  const names = (subjectAltName ?? '').split(', ').flatMap((entry) => /^DNS:([^*]+)$/u.exec(entry)?.[1] ?? []);
  return names.map((name) => name.toLowerCase());
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
