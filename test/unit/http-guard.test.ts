import { describe, expect, it } from 'vitest';
import { admit, type GuardPolicy, type Visitor } from '../../src/http/guard.ts';
import { ServiceError } from '../../src/services/errors.ts';

const LOCAL: GuardPolicy = { host: '127.0.0.1', allowedOrigins: [], authToken: null };
const TOKEN = 'correct-horse-battery-staple';
const PUBLIC: GuardPolicy = { host: '0.0.0.0', allowedOrigins: ['https://captions.example'], authToken: TOKEN };

function visit(visitor: Partial<Visitor>, policy: GuardPolicy): string {
  const absent = {
    origin: undefined,
    fetchSite: undefined,
    fetchMode: undefined,
    authorization: undefined,
    isSignedLink: false,
    certifiedNames: null,
  };
  try {
    const { corsOrigin } = admit({ door: 'page', method: 'GET', host: 'localhost', ...absent, ...visitor }, policy);
    return corsOrigin === null ? 'admitted' : `admitted for ${corsOrigin}`;
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
}

describe('the Host header', () => {
  it.each(['localhost', 'LOCALHOST:4000', '127.0.0.1', '127.9.9.9:80', '[::1]:4000', '[::1]'])(
    'may be %s on a server of this machine',
    (host) => expect(visit({ host }, LOCAL)).toBe('admitted'),
  );

  it.each([
    undefined,
    '',
    'attacker.example',
    'localhost.attacker.example',
    '127.0.0.1.attacker.example',
    '10.0.0.1',
    '0.0.0.0',
    'user@localhost',
    'localhost:4000:4000',
    'localhost/..',
    '[::1',
    '::1',
  ])('may not be %s there', (host) => expect(visit({ host }, LOCAL)).toBe('FORBIDDEN'));

  it('may be any address, an allowed name, or its own, on a server that others reach', () => {
    for (const host of ['10.0.0.1:4000', '[2001:db8::1]', 'captions.example', 'localhost']) {
      expect(visit({ host }, PUBLIC)).toBe('admitted');
    }
    expect(visit({ host: 'verbatim.example:4000' }, { ...PUBLIC, host: 'verbatim.example' })).toBe('admitted');
    expect(visit({ host: 'attacker.example' }, PUBLIC)).toBe('FORBIDDEN');
  });
});

describe('an encrypted connection', () => {
  const certifiedNames = ['verbatim.example'];

  it('may be to a name that the certificate is for, on a server that others reach', () => {
    expect(visit({ host: 'verbatim.example:4000', certifiedNames }, PUBLIC)).toBe('admitted');
    expect(visit({ host: 'attacker.example', certifiedNames }, PUBLIC)).toBe('FORBIDDEN');
    expect(visit({ host: 'verbatim.example', certifiedNames: null }, PUBLIC)).toBe('FORBIDDEN');
    expect(visit({ host: 'verbatim.example', certifiedNames }, LOCAL)).toBe('FORBIDDEN');
  });

  it('has https in its own origin, and no other', () => {
    expect(visit({ host: 'localhost:4000', origin: 'https://localhost:4000', certifiedNames }, LOCAL)).toBe('admitted');
    expect(visit({ host: 'localhost:443', origin: 'https://localhost', certifiedNames }, LOCAL)).toBe('admitted');
    expect(visit({ host: 'localhost:4000', origin: 'http://localhost:4000', certifiedNames }, LOCAL)).toBe('FORBIDDEN');
    expect(visit({ host: 'localhost:4000', origin: 'https://localhost:4000' }, LOCAL)).toBe('FORBIDDEN');
  });
});

describe('the Origin header', () => {
  it('may be the own origin, or one that is allowed', () => {
    expect(visit({ host: 'localhost:4000', origin: 'http://localhost:4000' }, LOCAL)).toBe('admitted');
    expect(visit({ host: 'localhost:80', origin: 'http://localhost' }, LOCAL)).toBe('admitted');
    expect(visit({ host: '[::1]:4000', origin: 'http://[::1]:4000' }, LOCAL)).toBe('admitted');
    expect(visit({ origin: 'https://captions.example' }, PUBLIC)).toBe('admitted for https://captions.example');
  });

  it.each(['https://localhost', 'http://localhost:4001', 'null', '', 'https://captions.example.attacker.example'])(
    'may not be %s',
    (origin) => expect(visit({ origin }, PUBLIC)).toBe('FORBIDDEN'),
  );
});

describe('a request from a page of another site', () => {
  it('is a visit when it leads to a page, and is refused otherwise', () => {
    const link = { fetchSite: 'cross-site', fetchMode: 'navigate' };
    expect(visit(link, LOCAL)).toBe('admitted');
    expect(visit({ ...link, method: 'POST' }, LOCAL)).toBe('FORBIDDEN');
    expect(visit({ ...link, door: 'data' }, LOCAL)).toBe('FORBIDDEN');
    expect(visit({ ...link, fetchMode: 'no-cors' }, LOCAL)).toBe('FORBIDDEN');
    expect(visit({ ...link, fetchSite: 'same-origin', door: 'data' }, LOCAL)).toBe('admitted');
  });
});

describe('the token', () => {
  it('is asked for at the door of data only, and not of preflights', () => {
    expect(visit({ door: 'data' }, PUBLIC)).toBe('UNAUTHENTICATED');
    expect(visit({ door: 'data', authorization: `Bearer ${TOKEN}` }, PUBLIC)).toBe('admitted');
    expect(visit({ door: 'data', authorization: `bearer  ${TOKEN}` }, PUBLIC)).toBe('admitted');
    expect(visit({ door: 'data', authorization: 'Bearer ' }, PUBLIC)).toBe('UNAUTHENTICATED');
    expect(visit({ door: 'data', method: 'OPTIONS' }, PUBLIC)).toBe('admitted');
    for (const door of ['page', 'probe', 'socket'] as const) expect(visit({ door }, PUBLIC)).toBe('admitted');
  });
});
