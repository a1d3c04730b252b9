import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

/** Shorter tokens can be guessed. */
const MIN_TOKEN_LENGTH = 16;
const KIB = 1024;
const MIB = KIB * KIB;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** By what a decode costs: a draft every second is what the larger model affords for several sessions. */
const INTERIM_INTERVAL_MS = { base: 1_000, tiny: 500, scripted: 500 } as const;

/**
 * What ends an utterance, ms: silence after a sentence, and after anything else. With tiny the words got no better by the
 * difference than by a longer silence for all; tones make no sentences.
 */
const END_SILENCE = {
  base: { sentenceEndSilenceMs: 448, endSilenceMs: 992 },
  tiny: { sentenceEndSilenceMs: 512, endSilenceMs: 512 },
  scripted: { sentenceEndSilenceMs: 512, endSilenceMs: 512 },
} as const;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/u;

/** Whether a server that listens at `host` can be reached from its own machine only. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** The settings are wrong; `message` names each of them and what to do, a line each. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/u, { error: 'must be a whole number', abort: true })
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

const origin = z
  .string()
  .refine(
    (text) => URL.canParse(text) && new URL(text).origin === text && /^https?:/u.test(text),
    'must be origins like https://captions.example, separated by commas, without a path',
  );

const environment = z.object({
  PORT: wholeNumber(0, 65_535).default(4000),
  HOST: z.string().default('127.0.0.1'),
  TLS_CERT: z.string().optional(),
  TLS_KEY: z.string().optional(),
  DATA_DIR: z.string().default('./data'),
  DATABASE_URL: z
    .string()
    .regex(/^file:./u, 'must be a SQLite file, for example file:./data/verbatim.db')
    .optional(),
  BATCH_SIZE: wholeNumber(1, 1_000).default(5),
  BATCH_INTERVAL_MS: wholeNumber(1, HOUR_MS).default(10_000),
  MODEL: z.enum(['base', 'tiny', 'scripted'], 'must be base or tiny').default('base'),
  RECOGNISER_PROCESSES: wholeNumber(1, 256).optional(),
  INTERIM_INTERVAL_MS: wholeNumber(0, MINUTE_MS).optional(),
  END_SILENCE_MS: wholeNumber(100, 10_000).optional(),
  SENTENCE_END_SILENCE_MS: wholeNumber(100, 10_000).optional(),
  SESSION_IDLE_TIMEOUT_MS: wholeNumber(1_000, 7 * 24 * HOUR_MS).default(15 * MINUTE_MS),
  SESSION_MAX_MS: wholeNumber(1_000, 7 * 24 * HOUR_MS).default(24 * HOUR_MS),
  MAX_OPEN_SESSIONS: wholeNumber(1, 100_000).default(100),
  MAX_CHUNK_BYTES: wholeNumber(KIB, 8 * MIB).default(MIB),
  MAX_CONNECTIONS: wholeNumber(1, 100_000).default(2_000),
  SLOW_READER_LIMIT_MS: wholeNumber(100, HOUR_MS).default(30_000),
  SHUTDOWN_LIMIT_MS: wholeNumber(1_000, HOUR_MS).default(8_000),
  STORAGE_RESERVE_BYTES: wholeNumber(0, 1024 * 1024 * MIB).default(64 * MIB),
  RETENTION_DAYS: wholeNumber(1, 36_500).optional(),
  AUTH_TOKEN: z
    .string()
    .min(MIN_TOKEN_LENGTH, `must have ${MIN_TOKEN_LENGTH} characters at least; make one with: openssl rand -hex 32`)
    .regex(/^[\x21-\x7e]+$/u, 'must be printable ASCII without spaces')
    .optional(),
  ALLOWED_ORIGINS: z
    .string()
    .transform((list) => list.split(',').map((entry) => entry.trim()))
    .pipe(z.array(origin))
    .default([]),
  npm_lifecycle_event: z.string().optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** What the server is told from outside; `.env.example` explains each. */
export interface Config {
  readonly port: number;
  readonly host: string;
  /** Absolute paths of PEM files; `null`: without encryption. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly databaseUrl: string;
  readonly batchSize: number;
  readonly batchIntervalMs: number;
  readonly model: 'base' | 'tiny' | 'scripted';
  readonly recogniserProcesses: number;
  /** For tests, with the model `scripted` only: whether, or while the number in a file allows it, some words misbehave. */
  readonly scriptedFaults: boolean | { readonly budgetFile: string };
  readonly interimIntervalMs: number;
  readonly endSilenceMs: number;
  /** Not longer than `endSilenceMs`. */
  readonly sentenceEndSilenceMs: number;
  readonly sessionIdleTimeoutMs: number;
  readonly sessionMaxMs: number;
  readonly maxOpenSessions: number;
  readonly maxChunkBytes: number;
  readonly maxConnections: number;
  readonly slowReaderLimitMs: number;
  readonly shutdownLimitMs: number;
  readonly storageReserveBytes: number;
  /** After so many days the recordings of ended sessions are removed; `null`: never. */
  readonly retentionDays: number | null;
  readonly authToken: string | null;
  readonly allowedOrigins: readonly string[];
  /** By `npm start`, that is: not by another script of someone's own, which may well end before the server. */
  readonly startedByNpm: boolean;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}

/**
 * Reads the settings; an empty variable is as good as none.
 * @throws ConfigurationError with all that is wrong
 */
export function readConfig(variables: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path: [name], message }) => `${String(name)} ${message}`);
  const host = given['HOST'] ?? '127.0.0.1';
  if (!isLoopback(host) && given['AUTH_TOKEN'] === undefined) {
    problems.push(
      `AUTH_TOKEN is missing: with HOST=${host} others can reach this server; set a token (openssl rand -hex 32), or HOST=127.0.0.1`,
    );
  }
  for (const [one, other] of [
    ['TLS_CERT', 'TLS_KEY'],
    ['TLS_KEY', 'TLS_CERT'],
  ] as const) {
    if (given[one] !== undefined && given[other] === undefined) {
      problems.push(`${other} is missing: HTTPS needs a certificate and its key, as ${one} says that there are`);
    }
  }
  if (!parsed.success || problems.length > 0) {
    throw new ConfigurationError(['The settings are wrong:', ...problems.map((line) => `  ${line}`)].join('\n'));
  }
  const settings = parsed.data;
  const dataDirectory = path.resolve(settings.DATA_DIR);
  return {
    port: settings.PORT,
    host: settings.HOST,
    tls: tls(settings),
    dataDirectory,
    databaseUrl: settings.DATABASE_URL ?? `file:${path.join(dataDirectory, 'verbatim.db')}`,
    batchSize: settings.BATCH_SIZE,
    batchIntervalMs: settings.BATCH_INTERVAL_MS,
    model: settings.MODEL,
    recogniserProcesses: settings.RECOGNISER_PROCESSES ?? physicalCores(),
    scriptedFaults: settings.MODEL === 'scripted' && scriptedFaults(given['SCRIPTED_FAULTS']),
    interimIntervalMs: settings.INTERIM_INTERVAL_MS ?? INTERIM_INTERVAL_MS[settings.MODEL],
    ...endSilence(settings),
    sessionIdleTimeoutMs: settings.SESSION_IDLE_TIMEOUT_MS,
    sessionMaxMs: settings.SESSION_MAX_MS,
    maxOpenSessions: settings.MAX_OPEN_SESSIONS,
    maxChunkBytes: settings.MAX_CHUNK_BYTES,
    maxConnections: settings.MAX_CONNECTIONS,
    slowReaderLimitMs: settings.SLOW_READER_LIMIT_MS,
    shutdownLimitMs: settings.SHUTDOWN_LIMIT_MS,
    storageReserveBytes: settings.STORAGE_RESERVE_BYTES,
    retentionDays: settings.RETENTION_DAYS ?? null,
    authToken: settings.AUTH_TOKEN ?? null,
    allowedOrigins: settings.ALLOWED_ORIGINS,
    startedByNpm: settings.npm_lifecycle_event === 'start',
    logLevel: settings.LOG_LEVEL,
  };
}

function tls({ TLS_CERT: cert, TLS_KEY: key }: z.infer<typeof environment>): Config['tls'] {
  return cert === undefined || key === undefined ? null : { certFile: path.resolve(cert), keyFile: path.resolve(key) };
}

/** `1`: always; a path: see `ScriptedFaults`. Not among the settings, since nobody but a test can want it. */
function scriptedFaults(value: string | undefined): Config['scriptedFaults'] {
  if (value === undefined || value === '0') return false;
  return value === '1' ? true : { budgetFile: path.resolve(value) };
}

/** Who names one silence only means it for all; one after sentences is never longer than the other. */
function endSilence(given: {
  readonly MODEL: keyof typeof END_SILENCE;
  readonly END_SILENCE_MS?: number | undefined;
  readonly SENTENCE_END_SILENCE_MS?: number | undefined;
}): { readonly endSilenceMs: number; readonly sentenceEndSilenceMs: number } {
  const usual = END_SILENCE[given.MODEL];
  const endSilenceMs = given.END_SILENCE_MS ?? usual.endSilenceMs;
  const sentenceEndSilenceMs = given.SENTENCE_END_SILENCE_MS ?? given.END_SILENCE_MS ?? usual.sentenceEndSilenceMs;
  return { endSilenceMs, sentenceEndSilenceMs: Math.min(endSilenceMs, sentenceEndSilenceMs) };
}

/**
 * Cores that compute, not the threads that share them: two threads of one core decode about as much speech as one. Linux
 * tells; elsewhere half of what the system calls processors is assumed.
 */
export function physicalCores(cpuInfoFile = '/proc/cpuinfo', available = availableParallelism()): number {
  const cores = countCores(readIfPresent(cpuInfoFile)) ?? Math.ceil(available / 2);
  return Math.max(1, Math.min(cores, available));
}

/** Distinct pairs of socket and core in Linux' list of processors; `null` when it does not tell. */
function countCores(cpuInfo: string): number | null {
  const pairs = new Set<string>();
  for (const processor of cpuInfo.split(/\n\s*\n/u)) {
    const core = /^core id\s*:\s*(\d+)$/mu.exec(processor)?.[1];
    const socket = /^physical id\s*:\s*(\d+)$/mu.exec(processor)?.[1];
    if (core !== undefined) pairs.add(`${socket ?? 0}/${core}`);
  }
  return pairs.size === 0 ? null : pairs.size;
}

function readIfPresent(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
