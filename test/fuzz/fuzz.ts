import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GraphqlClient } from '../support/graphql-client.ts';
import { until } from '../support/wait.ts';
import { attack, type CampaignOptions, type CampaignResult, type Finding } from './campaign.ts';
import { startOnDamagedLogs } from './damaged-data.ts';
import { HealthyStream } from './healthy-stream.ts';
import { Tally } from './oracle.ts';
import { endAllSessions, prepareKnownThings } from './sessions-pool.ts';
import { audioTarget } from './target-audio.ts';
import { containerTarget } from './target-containers.ts';
import { graphqlTarget } from './target-graphql.ts';
import { httpTarget } from './target-http.ts';
import { logTarget } from './target-logs.ts';
import { streamTarget } from './target-streams.ts';
import { webSocketTarget } from './target-websocket.ts';
import type { Target, TargetContext } from './target.ts';
import { ERROR, WatchedServer, type Descriptors, type Memory } from './watched-server.ts';

/** Of a thousand inputs, so many are for each target; `data` are sessions whose logs are damaged on the disk. */
const SHARES = { logs: 440, containers: 30, graphql: 150, http: 130, audio: 130, streams: 50, websocket: 70 } as const;
export type TargetName = keyof typeof SHARES;
export const TARGET_NAMES = Object.keys(SHARES) as TargetName[];

/** What is attacked in this process. */
const LOCAL_TARGETS = { logs: logTarget, containers: containerTarget } as const;
type LocalName = keyof typeof LOCAL_TARGETS;
type ServedName = Exclude<TargetName, LocalName>;

const SERVER_TARGETS: Readonly<Record<ServedName, (context: TargetContext) => Target>> = {
  graphql: graphqlTarget,
  http: httpTarget,
  audio: audioTarget,
  streams: streamTarget,
  websocket: webSocketTarget,
};
const CONCURRENCY = 12;
/** The first tenth of all inputs fills caches and pools; memory is measured behind it, and at the end. */
const WARM_UP_SHARE = 0.1;
const SETTLE_MS = 60_000;
/** Connections that clients keep alive for a while, and the like. */
const DESCRIPTOR_TOLERANCE = 6;

export interface FuzzOptions {
  readonly seed: number;
  readonly inputs: number;
  readonly targets: readonly TargetName[];
  /** The number of a single input to send, instead of all. */
  readonly only?: number;
  /** Sessions whose logs are damaged before a start; 0: no such start. */
  readonly damagedSessions: number;
  /** See `WatchedServerOptions`. */
  readonly built: boolean;
  /** Told how things go. */
  readonly tell: (line: string) => void;
}

interface Footprint {
  readonly server: Memory;
  readonly recogniser: Memory;
  readonly descriptors: Descriptors;
}

export interface FuzzReport {
  /** By target, in the order in which they were attacked. */
  readonly results: ReadonlyMap<string, CampaignResult>;
  readonly findings: readonly Finding[];
  readonly healthy: { readonly chunks: number; readonly finals: number } | null;
  readonly footprints: { readonly before: Footprint; readonly after: Footprint } | null;
}

/** Sends malformed inputs to a server of its own and judges all that comes back. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const directory = await mkdtemp(path.join(tmpdir(), 'verbatim-fuzz-'));
  const report = { results: new Map<string, CampaignResult>(), findings: [] as Finding[] };
  try {
    for (const name of options.targets.filter(isLocal)) {
      const result = await attackWith(options, name, LOCAL_TARGETS[name](), 1, NOBODY);
      note(report, name, result, options.tell);
    }
    if (options.damagedSessions > 0) await startDamaged(options, path.join(directory, 'damaged'), report);
    const served = options.targets.filter((name) => !isLocal(name));
    if (served.length === 0) return { ...report, healthy: null, footprints: null };
    return { ...report, ...(await attackServer(options, served, path.join(directory, 'data'), report)) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function isLocal(name: TargetName): name is LocalName {
  return Object.hasOwn(LOCAL_TARGETS, name);
}

interface Gathered {
  readonly results: Map<string, CampaignResult>;
  readonly findings: Finding[];
}

async function attackServer(
  options: FuzzOptions,
  names: readonly ServedName[],
  dataDirectory: string,
  report: Gathered,
): Promise<Pick<FuzzReport, 'healthy' | 'footprints'>> {
  const server = await WatchedServer.start({
    dataDirectory,
    built: options.built,
    environment: { INTERIM_INTERVAL_MS: '200' },
  });
  const client = new GraphqlClient(server.url);
  const overseer = overseerOf(server);
  try {
    const known = await prepareKnownThings(client);
    // Its scripts are read once and kept, 40 MB of them.
    await (await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } })).text();
    const healthy = await HealthyStream.start(client);
    const keep = new Set([healthy.sessionId, ...known.sessionIds]);
    const phases =
      options.only === undefined
        ? ([
            [0, WARM_UP_SHARE],
            [WARM_UP_SHARE, 1],
          ] as const)
        : ([[0, 1]] as const);
    const footprints: Footprint[] = [];
    for (const [from, to] of phases) {
      for (const name of names) {
        const target = SERVER_TARGETS[name]({ url: server.url, port: server.port, known, client });
        const result = await attackWith(options, name, target, CONCURRENCY, overseer, [from, to]);
        note(report, name, result, options.tell);
        if (overseer.isOver()) return { healthy: null, footprints: null };
        await target.close();
        await endAllSessions(client, keep);
      }
      footprints.push(await settle(server, footprints[0]?.descriptors ?? null, report.findings));
    }
    const finished = await healthy.finish();
    const last = overseer.complaint();
    if (last !== null) report.findings.push({ target: 'server', index: -1, kind: 'log', message: last });
    const [before, after] = footprints;
    return { healthy: finished, footprints: before && after ? { before, after } : null };
  } catch (error) {
    report.findings.push({
      target: 'server',
      index: -1,
      kind: 'end',
      message: error instanceof Error ? String(error.stack) : String(error),
    });
    return { healthy: null, footprints: null };
  } finally {
    await client.dispose();
    await server.kill();
  }
}

function attackWith(
  options: FuzzOptions,
  name: TargetName,
  target: Target,
  concurrency: number,
  overseer: Overseer,
  [from, to]: readonly [number, number] = [0, 1],
): Promise<CampaignResult> {
  const { seed, inputs, only } = options;
  if (only !== undefined) return attack({ name, target, seed, from: only, to: only + 1, concurrency: 1, ...overseer });
  const all = options.targets.reduce((sum, one) => sum + SHARES[one], 0);
  const count = Math.round((inputs * SHARES[name]) / all);
  return attack({
    name,
    target,
    seed,
    from: Math.round(count * from),
    to: Math.round(count * to),
    concurrency,
    ...overseer,
  });
}

function note(
  { results, findings }: Gathered,
  name: string,
  result: CampaignResult,
  tell: (line: string) => void,
): void {
  const earlier = results.get(name);
  const answers = earlier?.answers ?? new Tally();
  for (const [answer, count] of result.answers.counts)
    answers.counts.set(answer, (answers.counts.get(answer) ?? 0) + count);
  results.set(name, { inputs: (earlier?.inputs ?? 0) + result.inputs, answers, findings: [] });
  findings.push(...result.findings);
  tell(`${name}: ${result.inputs} inputs, ${result.findings.length} findings`);
}

async function startDamaged(options: FuzzOptions, dataDirectory: string, report: Gathered): Promise<void> {
  const { seed, damagedSessions: sessions, built } = options;
  try {
    const answers = await startOnDamagedLogs({ seed, sessions, built, dataDirectory });
    note(report, 'damaged data', { inputs: sessions, answers, findings: [] }, options.tell);
  } catch (error) {
    report.findings.push({ target: 'damaged data', index: -1, kind: 'start', message: String(error) });
  }
}

type Overseer = Pick<CampaignOptions, 'complaint' | 'isOver'>;
const NOBODY: Overseer = { complaint: () => null, isOver: () => false };

/** Sees what a server does besides answering: that it ends, or says in its log what it never may, whatever it was sent. */
function overseerOf(server: WatchedServer): Overseer {
  let told = false;
  const complaint = () => {
    const errors = server.complaints.splice(0).filter(({ level }) => level >= ERROR);
    const noise = server.noise.splice(0);
    if (server.exit !== null && !told) {
      told = true;
      return `the server ended (${server.exit}): ${noise.slice(-20).join('\n')}`;
    }
    if (errors.length > 0) return `the server's log: ${errors.map((line) => JSON.stringify(line)).join('\n')}`;
    return noise.length === 0 ? null : `the server wrote beside its log: ${noise.join('\n')}`;
  };
  return { complaint, isOver: () => server.exit !== null };
}

/** What the server holds when nothing but the healthy stream is left. */
async function settle(server: WatchedServer, before: Descriptors | null, findings: Finding[]): Promise<Footprint> {
  const limit = before === null ? Infinity : before.all + DESCRIPTOR_TOLERANCE;
  try {
    await until(async () => (await server.descriptors()).all <= limit, {
      timeoutMs: SETTLE_MS,
      what: 'the closing of what was open',
    });
  } catch (error) {
    const { all } = await server.descriptors();
    findings.push({
      target: 'server',
      index: -1,
      kind: 'descriptors',
      message: `${String(error)}: ${all} are open, ${before?.all} were before`,
    });
  }
  return { ...(await server.memory()), descriptors: await server.descriptors() };
}
