import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CertificateFiles } from '../../src/http/certificate.ts';

/** The path of a file of test/fixtures/tls. */
export function tlsFixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
}

/** For localhost, 127.0.0.1 and verbatim.test; signed by itself. */
export const TEST_CERTIFICATE: CertificateFiles = {
  certFile: tlsFixture('test.pem'),
  keyFile: tlsFixture('test-key.pem'),
};

/** What a client has to know to trust it. */
export const TEST_AUTHORITY = readFileSync(TEST_CERTIFICATE.certFile);
