import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lockDataDirectory } from '../../src/database/data-directory-lock.ts';
import { compileInto } from '../support/compile-program.ts';
import { GraphqlClient } from '../support/graphql-client.ts';
import { readSession, sendChunks, speechChunks, startSession } from '../support/operations.ts';
import { exists } from '../support/process-tree.ts';
import { PROJECT } from '../support/compiled-program.ts';
import { RunningServer, SERVER_COMMAND } from '../support/running-server.ts';
import { startTestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';

const LONG = { timeout: 90_000 };
/** As number 1 of a process namespace of its own: the first process of a container. */
const UNSHARE = 'unshare';
const CONTAINER = [UNSHARE, '--fork', '--pid', '--mount-proc', '--kill-child', process.execPath, 'dist/main.js'];

const namespaces = spawnSync(UNSHARE, ['--fork', '--pid', '--mount-proc', 'true']).status === 0;
const noContainer = !namespaces && process.env['CI'] !== 'true';

let dataDirectory: string;
const servers: RunningServer[] = [];

// `npm start` runs what is there.
beforeAll(() => void compileInto(path.join(PROJECT, 'dist')));
beforeEach(async () => {
  dataDirectory = await mkdtemp(path.join(tmpdir(), 'verbatim-shutdown-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.cleanUp();
  await rm(dataDirectory, { recursive: true, force: true });
});

function start(command: readonly string[], variables: Readonly<Record<string, string>> = {}): RunningServer {
  const server = new RunningServer(command, { DATA_DIR: dataDirectory, ...variables });
  servers.push(server);
  return server;
}

/** Nobody holds the lock, nothing is announced, and none of these processes is there, not even as a zombie. */
async function expectNothingLeft(pids: readonly number[]): Promise<void> {
  await until(() => !pids.some(exists), { what: 'the end of all processes' });
  expect(existsSync(path.join(dataDirectory, 'server.json'))).toBe(false);
  lockDataDirectory(dataDirectory).release();
}

async function sendSpeech(url: string): Promise<{ sessionId: string; nextSequence: number }> {
  const client = new GraphqlClient(url);
  const sessionId = await startSession(client);
  const { nextSequence } = await sendChunks(client, sessionId, speechChunks(['alpha', 'bravo', { silenceMs: 700 }]));
  await client.dispose();
  return { sessionId, nextSequence };
}

async function expectSessionKept({ sessionId, nextSequence }: Awaited<ReturnType<typeof sendSpeech>>): Promise<void> {
  const next = await startTestServer({ dataDirectory });
  try {
    expect(await readSession(next.client, sessionId)).toMatchObject({ status: 'ACTIVE', nextSequence });
  } finally {
    await next.stop();
  }
}

describe('npm start', () => {
  it('ends in order when SIGTERM reaches npm alone, as from a service manager', LONG, async () => {
    const server = start(['npm', 'start']);
    const sent = await sendSpeech(await server.url());
    await server.ready();
    const pids = [server.serverPid, ...server.recogniserPids];
    expect(pids).toHaveLength(2);
    process.kill(server.pid, 'SIGTERM');
    const { code, signal } = await server.ended();
    // npm ends as its shell did: by the signal, or with the server's code where that took the shell's place.
    expect([code, signal]).toEqual(signal === null ? [0, null] : [null, 'SIGTERM']);
    await server.says('"msg":"stopped"');
    await expectNothingLeft(pids);
    await expectSessionKept(sent);
  });

  const shells = ['/bin/sh', '/bin/bash'].filter((shell) => existsSync(shell));
  it.each(shells)('of %s ends in order with Ctrl-C, which reaches the server once or twice', LONG, async (shell) => {
    const server = start(['npm', 'start'], { npm_config_script_shell: shell });
    await server.ready();
    const pids = [server.serverPid, ...server.recogniserPids];
    server.signalGroup('SIGINT');
    const { code, signal } = await server.ended();
    expect([code, signal]).toEqual(signal === null ? [0, null] : [null, 'SIGINT']);
    await server.says('"msg":"stopped"');
    await expectNothingLeft(pids);
  });
});

describe('as the first process of a container, where signals without a handler are dropped', () => {
  it('the server ends in order, and so do its recognisers', LONG, async ({ skip }) => {
    skip(noContainer, 'this user may not make a process namespace');
    const server = start(CONTAINER);
    const sent = await sendSpeech(await server.url());
    await server.ready();
    const pids = [server.serverPid, ...server.recogniserPids];
    expect(pids).toHaveLength(2);
    process.kill(server.serverPid, 'SIGTERM');
    expect(await server.ended()).toEqual({ code: 0, signal: null });
    expect(server.output).toContain('"msg":"stopped"');
    await expectNothingLeft(pids);
    await expectSessionKept(sent);
  });

  it('a recogniser that is killed is replaced and leaves no zombie', LONG, async ({ skip }) => {
    skip(noContainer, 'this user may not make a process namespace');
    const server = start(CONTAINER);
    await server.ready();
    const [killed = 0] = server.recogniserPids;
    process.kill(killed, 'SIGKILL');
    await until(() => !exists(killed), { what: 'the end of the recogniser process' });
    await until(() => server.recogniserPids.length === 1, { what: 'its replacement' });
    process.kill(server.serverPid, 'SIGTERM');
    expect((await server.ended()).code).toBe(0);
  });
});

describe('a signal', () => {
  it('while the server is starting calls the start off, and leaves nothing behind', LONG, async () => {
    const server = start(SERVER_COMMAND);
    await until(() => existsSync(path.join(dataDirectory, 'lock.db')), { what: 'the lock', timeoutMs: 40_000 });
    server.child.kill('SIGTERM');
    expect(await server.ended()).toEqual({ code: 0, signal: null });
    expect(server.output).not.toContain('"level":50');
    await expectNothingLeft([]);
  });

  it('while the model is being loaded ends the recognisers, too', LONG, async () => {
    const server = start(SERVER_COMMAND);
    await server.url();
    const pids = await until(() => (server.recogniserPids.length > 0 ? server.recogniserPids : null));
    server.child.kill('SIGTERM');
    expect(await server.ended()).toEqual({ code: 0, signal: null });
    await expectNothingLeft(pids);
  });

  it('of a whole terminal, recognisers included, ends the server in order', LONG, async () => {
    const server = start(SERVER_COMMAND);
    await server.ready();
    const pids = server.recogniserPids;
    server.signalGroup('SIGINT');
    expect(await server.ended()).toEqual({ code: 0, signal: null });
    expect(server.output).not.toContain('recogniser process lost');
    await expectNothingLeft(pids);
  });

  it('that comes twice at once, and of two kinds, is one', LONG, async () => {
    const server = start(SERVER_COMMAND);
    await server.ready();
    server.child.kill('SIGINT');
    server.child.kill('SIGTERM');
    server.child.kill('SIGINT');
    expect(await server.ended()).toEqual({ code: 0, signal: null });
    expect(server.output).toContain('"msg":"stopped"');
  });

  it('that comes again later ends the server at once, and the next start recovers', LONG, async () => {
    const server = start(SERVER_COMMAND, { SHUTDOWN_LIMIT_MS: '60000' });
    const sent = await sendSpeech(await server.url());
    await server.ready();
    const pids = server.recogniserPids;
    // Both keep the server from ending in order: a request that does not come to its end, and a process that hangs.
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const hanging = connect(Number(new URL(await server.url()).port), '127.0.0.1');
    hanging.on('error', () => undefined);
    await new Promise((written) => hanging.write('POST /graphql HTTP/1.1\r\n', written));

    const ended = server.ended();
    await until(
      () => {
        server.child.kill('SIGTERM');
        return server.child.exitCode !== null;
      },
      { what: 'the end' },
    );
    expect(await ended).toEqual({ code: 1, signal: null });
    expect(server.output).not.toContain('"msg":"stopped"');
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    await until(() => !pids.some(exists), { what: 'the end of the recognisers' });
    hanging.destroy();
    await expectSessionKept(sent);
  });

  it('does not wait longer than the limit for what hangs', LONG, async () => {
    const server = start(SERVER_COMMAND, { SHUTDOWN_LIMIT_MS: '1000' });
    await server.ready();
    const pids = server.recogniserPids;
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    server.child.kill('SIGTERM');
    expect(await server.ended()).toEqual({ code: 0, signal: null });
    expect(server.output).toContain('not everything stopped in time');
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    await until(() => !pids.some(exists), { what: 'the end of the recognisers' });
  });
});

describe('kill -9 of the server alone', () => {
  it('ends its recognisers: they do not survive their parent', LONG, async () => {
    const server = start(SERVER_COMMAND);
    await server.ready();
    const pids = server.recogniserPids;
    expect(pids).toHaveLength(1);
    process.kill(server.pid, 'SIGKILL');
    expect(await server.ended()).toEqual({ code: null, signal: 'SIGKILL' });
    await until(() => !pids.some(exists), { what: 'the end of the recognisers' });
  });
});
