import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, physicalCores, readConfig } from '../../src/config.ts';

function problemsOf(variables: Record<string, string>): string {
  try {
    readConfig(variables);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error('The settings were accepted');
}

describe('the settings', () => {
  it('all have defaults, for this machine only', () => {
    expect(readConfig({})).toMatchObject({
      port: 4000,
      host: '127.0.0.1',
      dataDirectory: path.resolve('data'),
      databaseUrl: `file:${path.resolve('data/verbatim.db')}`,
      batchSize: 5,
      batchIntervalMs: 10_000,
      model: 'base',
      interimIntervalMs: 1_000,
      authToken: null,
      allowedOrigins: [],
      logLevel: 'info',
    });
  });

  it('are read from the environment, where an empty one is none', () => {
    const config = readConfig({
      PORT: '0',
      DATA_DIR: '/tmp/elsewhere',
      MODEL: 'tiny',
      BATCH_SIZE: '',
      ALLOWED_ORIGINS: 'https://a.example, http://b.example:8080',
    });
    expect(config).toMatchObject({
      port: 0,
      databaseUrl: 'file:/tmp/elsewhere/verbatim.db',
      batchSize: 5,
      interimIntervalMs: 500,
      allowedOrigins: ['https://a.example', 'http://b.example:8080'],
    });
  });

  it('have one silence after sentences and another elsewhere, unless one is given for both', () => {
    expect(readConfig({})).toMatchObject({ sentenceEndSilenceMs: 448, endSilenceMs: 992 });
    expect(readConfig({ END_SILENCE_MS: '700' })).toMatchObject({ sentenceEndSilenceMs: 700, endSilenceMs: 700 });
    expect(readConfig({ SENTENCE_END_SILENCE_MS: '300' })).toMatchObject({
      sentenceEndSilenceMs: 300,
      endSilenceMs: 992,
    });
    expect(readConfig({ SENTENCE_END_SILENCE_MS: '900', END_SILENCE_MS: '700' })).toMatchObject({
      sentenceEndSilenceMs: 700,
      endSilenceMs: 700,
    });
  });

  it('that are wrong are all named at once, each with what would be right', () => {
    const problems = problemsOf({
      PORT: '70000',
      BATCH_SIZE: '1.5',
      MODEL: 'huge',
      AUTH_TOKEN: 'short',
      ALLOWED_ORIGINS: 'captions.example',
      DATABASE_URL: 'postgresql://x',
    });
    expect(problems.split('\n')).toHaveLength(7);
    for (const name of ['PORT', 'BATCH_SIZE', 'MODEL', 'AUTH_TOKEN', 'ALLOWED_ORIGINS', 'DATABASE_URL']) {
      expect(problems).toContain(`
  ${name} must `);
    }
    expect(problems).not.toContain('short');
  });

  it.each(['0.0.0.0', '::', '192.168.1.7', 'verbatim.example'])('refuse HOST=%s without a token', (HOST) => {
    expect(problemsOf({ HOST })).toContain('AUTH_TOKEN is missing');
    expect(readConfig({ HOST, AUTH_TOKEN: '0123456789abcdef' }).host).toBe(HOST);
  });

  it('name a certificate and its key, or neither', () => {
    expect(readConfig({}).tls).toBeNull();
    expect(readConfig({ TLS_CERT: 'cert.pem', TLS_KEY: '/etc/key.pem' }).tls).toEqual({
      certFile: path.resolve('cert.pem'),
      keyFile: '/etc/key.pem',
    });
    expect(problemsOf({ TLS_CERT: 'cert.pem' })).toMatch(/TLS_KEY is missing/u);
    expect(problemsOf({ TLS_KEY: 'key.pem' })).toMatch(/TLS_CERT is missing/u);
  });

  it.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('take HOST=%s without a token', (HOST) => {
    expect(readConfig({ HOST }).host).toBe(HOST);
  });

  it('let words of the scripted recogniser misbehave, and no other’s', () => {
    const SCRIPTED_FAULTS = '1';
    expect(readConfig({ MODEL: 'scripted', SCRIPTED_FAULTS }).scriptedFaults).toBe(true);
    expect(readConfig({ MODEL: 'scripted', SCRIPTED_FAULTS: '/tmp/budget' }).scriptedFaults).toEqual({
      budgetFile: '/tmp/budget',
    });
    expect(readConfig({ MODEL: 'scripted' }).scriptedFaults).toBe(false);
    expect(readConfig({ MODEL: 'base', SCRIPTED_FAULTS }).scriptedFaults).toBe(false);
  });

  it('stand in .env.example, every one, with their defaults', async () => {
    const text = await readFile(new URL('../../.env.example', import.meta.url), 'utf8');
    const example = parseEnv(text.replaceAll(/^# (?=[A-Z_]+=)/gmu, ''));
    expect(readConfig(example)).toEqual(readConfig({}));
    const source = await readFile(new URL('../../src/config.ts', import.meta.url), 'utf8');
    const names = [...source.matchAll(/^ {2}([A-Z_]+): /gmu)].map(([, name]) => name ?? '');
    expect(new Set(Object.keys(example))).toEqual(new Set(names));
  });
});

describe('physical cores', () => {
  it('are counted once each, however many threads share them', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'verbatim-cpuinfo-'));
    try {
      const file = path.join(folder, 'cpuinfo');
      const thread = (socket: number, core: number) =>
        `processor\t: 0\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`;
      await writeFile(file, [thread(0, 0), thread(0, 0), thread(0, 1), thread(0, 1), thread(1, 0)].join('\n'));
      expect(physicalCores(file, 8)).toBe(3);
      // A container may use fewer than the machine has.
      expect(physicalCores(file, 2)).toBe(2);
      expect(physicalCores(path.join(folder, 'absent'), 8)).toBe(4);
      expect(physicalCores(path.join(folder, 'absent'), 1)).toBe(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
