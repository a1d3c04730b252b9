import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCertificate, untimely } from '../../src/http/certificate.ts';
import { SecureServer } from '../../src/http/secure-server.ts';
import { TEST_CERTIFICATE, tlsFixture } from '../support/certificates.ts';
import { until } from '../support/wait.ts';

const { certFile, keyFile } = TEST_CERTIFICATE;

describe('a certificate and its key', () => {
  it('are read with the names that it is for, but for those that stand for many', () => {
    expect(readCertificate(TEST_CERTIFICATE)).toMatchObject({
      names: ['localhost', 'verbatim.test'],
      validUntil: new Date('2120-01-01T00:00:00Z'),
    });
  });

  it.each([
    [
      'a certificate that is not there',
      { certFile: '/nowhere/cert.pem', keyFile },
      /^TLS_CERT can't be read: ENOENT.*PEM/u,
    ],
    ['a key that is not there', { certFile, keyFile: '/nowhere/key.pem' }, /^TLS_KEY can't be read: ENOENT.*PEM/u],
    ['two keys', { certFile: keyFile, keyFile }, /^TLS_CERT \(.*\) has no certificate in PEM format/u],
    ['two certificates', { certFile, keyFile: certFile }, /^TLS_KEY \(.*\) has no private key in PEM format/u],
    ['the key of another', { certFile, keyFile: tlsFixture('renewed-key.pem') }, /^TLS_KEY \(.*\) is not the key of/u],
    ['a key with a passphrase', { certFile, keyFile: tlsFixture('locked-key.pem') }, /has a passphrase.*openssl pkey/u],
  ])('are refused with what to do when they are %s', (_what, files, message) => {
    expect(() => readCertificate(files)).toThrow(message);
  });

  it('are used out of their time, but not in silence', () => {
    const certificate = readCertificate(TEST_CERTIFICATE);
    expect(untimely(certificate)).toBeNull();
    expect(untimely(certificate, new Date('2120-02-01'))).toMatch(/expired on 2120-01-01.*renew it/u);
    expect(untimely(certificate, new Date('2019-12-31'))).toMatch(/valid from 2020-01-01.*clock/u);
  });
});

describe('a server whose certificate is renewed', () => {
  let folder: string;
  let files: { certFile: string; keyFile: string };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'verbatim-tls-'));
    files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
    await copyFile(certFile, files.certFile);
    await copyFile(keyFile, files.keyFile);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('shows the new one as soon as both files are there, and the old one until then', async () => {
    const log: string[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => log.push(line) });
    const server = new SecureServer({}, { files, logger, handshakeLimitMs: 60_000, lookMs: 5 });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const warned = () => log.filter((line) => line.includes('certificate not renewed')).length;
      expect(await shownBy(server)).toBe('Verbatim test');
      await copyFile(tlsFixture('renewed.pem'), files.certFile);
      await until(() => warned() > 0);
      expect(await shownBy(server)).toBe('Verbatim test');
      await copyFile(tlsFixture('renewed-key.pem'), files.keyFile);
      await until(() => server.names.includes('renewed.test'));
      expect(await shownBy(server)).toBe('Verbatim test (renewed)');
      // Half of a file, as while it is written.
      const before = warned();
      await writeFile(files.certFile, (await readFile(certFile)).subarray(0, 200));
      await until(() => warned() > before);
      expect(await shownBy(server)).toBe('Verbatim test (renewed)');
      expect(log.filter((line) => line.includes('certificate renewed'))).toHaveLength(1);
    } finally {
      server.close();
    }
  });
});

async function shownBy(server: SecureServer): Promise<string | undefined> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const name = socket.getPeerX509Certificate()?.subject.replace('CN=', '');
  socket.destroy();
  return name;
}
