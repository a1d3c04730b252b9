import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { compiled } from '../support/compiled-program.ts';
import { GraphqlClient } from '../support/graphql-client.ts';
import { readSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { startTestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

async function latencyOf(client: GraphqlClient, id: string) {
  const { session } = await client.data<{
    session: { statistics: { totalSegments: number; averageLatencyMs: number | null } };
  }>(`query ($id: ID!) { session(id: $id) { statistics { totalSegments averageLatencyMs } } }`, { id });
  return session.statistics;
}

/** The server as its own process, as `npm start` runs it. */
class ServerProcess {
  readonly child: ChildProcess;
  output = '';

  constructor(variables: Record<string, string>, directory?: string) {
    const env = { ...process.env, MODEL: 'scripted', PORT: '0', RECOGNISER_PROCESSES: '1', ...variables };
    this.child = spawn(process.execPath, [compiled('main.ts')], {
      env,
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.output += data.toString();
      });
    }
  }

  url(): Promise<string> {
    return until(() => /listening on (http:\S+?)"/u.exec(this.output)?.[1], { what: 'the address', timeoutMs: 20_000 });
  }

  ready(): Promise<boolean> {
    return until(() => this.output.includes('ready to transcribe'), { what: 'readiness', timeoutMs: 20_000 });
  }

  async exitCode(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

describe('the server process', () => {
  const folders: string[] = [];
  const processes: ServerProcess[] = [];
  afterEach(async () => {
    for (const { child } of processes.splice(0)) child.kill('SIGKILL');
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });

  async function newFolder(): Promise<string> {
    const made = await mkdtemp(join(tmpdir(), 'verbatim-test-'));
    folders.push(made);
    return made;
  }

  function start(variables: Record<string, string>, directory?: string): ServerProcess {
    const started = new ServerProcess(variables, directory);
    processes.push(started);
    return started;
  }

  it('says where it listens and where to try it, and ends in order when it is told to', async () => {
    const DATA_DIR = await newFolder();
    const server = start({ DATA_DIR });
    const url = await server.url();
    await server.ready();
    expect(server.output).toContain(`${url}/graphql`);
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.exitCode()).toBe(0);
  });

  it('goes on with its sessions after it was killed, and knows what it knew of their latency', async () => {
    const DATA_DIR = await newFolder();
    const first = start({ DATA_DIR });
    const live = speechChunks(['alpha', { silenceMs: 700 }]);
    const rest = speechChunks(['bravo', { silenceMs: 1_000 }]);
    const before = new GraphqlClient(await first.url());
    const id = await startSession(before);
    for (const [sequence, chunk] of live.entries()) {
      // It takes that long to be spoken.
      const spokenAt = performance.now() + 100;
      await until(() => performance.now() >= spokenAt, { what: 'the chunk to have been spoken' });
      await sendChunks(before, id, [chunk], sequence);
    }
    const latencyAfter = (client: GraphqlClient, finals: number) =>
      until(
        async () => {
          const { totalSegments, averageLatencyMs } = await latencyOf(client, id);
          return totalSegments === finals && { averageLatencyMs };
        },
        { what: `${finals} finals` },
      );
    const { averageLatencyMs } = await latencyAfter(before, 1);
    expect(averageLatencyMs).toBeGreaterThan(0);
    await sendChunks(before, id, rest, live.length);
    first.child.kill('SIGKILL');
    await first.exitCode();
    await before.dispose();

    const second = start({ DATA_DIR });
    const after = new GraphqlClient(await second.url());
    await second.ready();
    const session = await readSession(after, id);
    expect(session).toMatchObject({ status: 'ACTIVE', nextSequence: live.length + rest.length });
    expect(await latencyAfter(after, 2)).toEqual({ averageLatencyMs });
  });

  it('reads its settings from a file .env where it is started, after what the environment says', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, '.env'), 'DATA_DIR=from-file\nAUTH_TOKEN=only-from-the-file\nLOG_LEVEL=silent\n');
    const server = start({ LOG_LEVEL: 'info' }, folder);
    const url = await server.url();
    expect(server.output).toContain(JSON.stringify(join(folder, 'from-file')));
    const ask = (headers: Record<string, string>) =>
      fetch(`${url}/graphql?query=%7B__typename%7D`, { headers: { accept: 'application/json', ...headers } });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: 'Bearer only-from-the-file' })).status).toBe(200);

    await writeFile(join(folder, '.env'), 'BATCH_SIZE=0\n');
    const wrong = start({}, folder);
    expect(await wrong.exitCode()).toBe(78);
    expect(wrong.output).toContain('BATCH_SIZE must be at least 1');
  });

  it('explains what is wrong, without a stack trace, when it cannot start', async () => {
    const DATA_DIR = await newFolder();
    const running = await startTestServer();
    try {
      const wrong = start({ DATA_DIR, PORT: 'x', BATCH_SIZE: '0' });
      const uncertified = start({ DATA_DIR, TLS_CERT: '/nowhere/cert.pem', TLS_KEY: '/nowhere/key.pem' });
      const exposed = start({ DATA_DIR, HOST: '0.0.0.0' });
      const taken = start({ DATA_DIR, PORT: new URL(running.url).port });
      const locked = start({ DATA_DIR: running.dataDirectory });
      expect(await wrong.exitCode()).toBe(78);
      expect(wrong.output).toContain('PORT must be a whole number');
      expect(wrong.output).toContain('BATCH_SIZE must be at least 1');
      expect(await uncertified.exitCode()).toBe(78);
      expect(uncertified.output).toContain("TLS_CERT can't be read: ENOENT");
      expect(await exposed.exitCode()).toBe(78);
      expect(exposed.output).toContain('AUTH_TOKEN is missing');
      expect(await taken.exitCode()).toBe(1);
      expect(taken.output).toContain('is taken by another program');
      expect(await locked.exitCode()).toBe(1);
      expect(locked.output).toContain('uses the data directory');
      for (const { output } of [wrong, uncertified, exposed, taken, locked]) expect(output).not.toMatch(/^\s+at /mu);
    } finally {
      await running.stop();
    }
  });
});
