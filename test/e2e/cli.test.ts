import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { wavHeader } from '../../src/audio/wav.ts';
import { readAnnouncedServer } from '../../src/database/data-directory-lock.ts';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { toneContainers } from '../support/containers.ts';
import { endSession, startSession } from '../support/operations.ts';
import { interleave } from '../support/recognition.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/wait.ts';
import { BreakableConnection } from './breakable-connection.ts';
import { RunningProgram, verbatim, writeSpeech } from './command-line.ts';

/** Programs and browsers start slowly on a busy machine. */
const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });

const PAUSE = { silenceMs: 1_000 };
const SCRIPT = ['alpha', 'bravo', 'charlie', PAUSE, 'delta', 'echo', PAUSE, 'foxtrot', PAUSE] as const;
const TEXT = 'alpha bravo charlie\ndelta echo\nfoxtrot\n';

let directory: string;
let speech: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'verbatim-cli-'));
  speech = path.join(directory, 'speech.wav');
  await writeSpeech(speech, SCRIPT);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('while a server runs on the data directory', () => {
  let server: TestServer;
  let environment: Record<string, string>;
  beforeAll(async () => {
    server = await startTestServer();
    environment = { DATA_DIR: server.dataDirectory };
  });
  afterAll(() => server.stop());

  it('transcribe prints the words of a file, and nothing else, to standard output', async () => {
    const { code, stdout, stderr } = await verbatim(['transcribe', speech, '--title', 'Tones'], environment);
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: TEXT });
    expect(stderr).toContain(server.url);
    expect(stderr).toContain('3 segments, 6 words');
    const [, page = ''] = /in a browser: (\S+)/u.exec(stderr) ?? [];
    expect(page).toContain('/sessions/');
    expect((await fetch(page)).headers.get('content-type')).toContain('text/html');
  });

  it('sessions lists it, and show prints it again by the beginning of its id', async () => {
    const { stdout: json } = await verbatim(['sessions', '--format', 'json'], environment);
    expect(JSON.parse(json)).toMatchObject([{ title: 'Tones', status: 'COMPLETED', statistics: { wordCount: 6 } }]);

    const { stdout: table } = await verbatim(['sessions'], environment);
    const [headings, row, ...others] = table.trimEnd().split('\n');
    expect(headings).toMatch(/^ID +CREATED +STATUS +AUDIO +SEGMENTS +WORDS +CONFIDENCE +TITLE$/u);
    expect(row).toMatch(/^[0-9a-f]{8} .* completed +0:04 +3 +6 +[01]\.\d\d +Tones$/u);
    expect(others).toEqual([]);

    const shown = await verbatim(['show', row?.split(' ')[0] ?? ''], environment);
    expect(shown.stdout).toBe(TEXT);
    expect(shown.stderr).toMatch(/^session [0-9a-f-]{36} “Tones”: completed \(client\)/u);
  });

  it('show takes ids of the API and of the database, in any format', async () => {
    const { stdout: json } = await verbatim(['sessions', '--limit', '1', '--format', 'json'], environment);
    const [{ id }] = JSON.parse(json) as [{ id: string }];
    const databaseId = Buffer.from(id, 'base64').toString().replace('Session:', '');

    const srt = await verbatim(['show', id, '--format', 'srt'], environment);
    expect(srt.stdout).toMatch(
      /^1\n00:00:00,\d{3} --> 00:00:00,\d{3}\nalpha bravo charlie\n\n2\n00:00:01,\d{3} --> 00:00:02,\d{3}\ndelta echo\n\n3\n/u,
    );
    const vtt = await verbatim(['show', databaseId, '--format', 'vtt'], environment);
    expect(vtt.stdout).toMatch(/^WEBVTT\n\n00:00:00\.\d{3} --> 00:00:00\.\d{3}\nalpha bravo charlie\n\n/u);
    const everything = await verbatim(['show', databaseId, '--format', 'json'], environment);
    expect(JSON.parse(everything.stdout)).toMatchObject({
      session: { id, coverage: { pendingMs: 0 } },
      segments: [
        {
          sequence: 1,
          text: 'alpha bravo charlie',
          words: [{ text: 'alpha' }, { text: 'bravo' }, { text: 'charlie' }],
        },
        { sequence: 2, text: 'delta echo' },
        { sequence: 3, text: 'foxtrot' },
      ],
    });
  });

  it('transcribe writes a file when it is told to', async () => {
    const subtitles = path.join(directory, 'speech.vtt');
    const { code, stdout } = await verbatim(
      ['transcribe', speech, '--format', 'vtt', '--output', subtitles],
      environment,
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(await readFile(subtitles, 'utf8')).toContain('alpha bravo charlie');
  });

  it('transcribe takes what a browser has recorded, and says when it was cut off', async () => {
    const [webm] = toneContainers();
    const file = path.join(directory, 'recording.webm');
    await writeFile(file, webm?.bytes.subarray(0, 9_001) ?? '');
    const { code, stdout, stderr } = await verbatim(['transcribe', file, '--format', 'srt'], environment);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^1\n00:00:00,\d{3} --> 00:00:00,\d{3}\nalpha bravo charlie\n\n2\n00:00:01,/u);
    expect(stderr).toContain('was cut off');
  });

  it('transcribe mixes stereo down, and says so', async () => {
    const mono = synthesiseToneSpeech(SCRIPT, 16_000);
    const stereo = Int16Array.from({ length: mono.length * 2 }, (_, index) => mono[index >> 1] ?? 0);
    const file = path.join(directory, 'stereo.wav');
    const header = wavHeader({ encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 }, stereo.byteLength);
    await writeFile(file, Buffer.concat([header, new Uint8Array(stereo.buffer)]));
    const { stdout, stderr } = await verbatim(['transcribe', file], environment);
    expect(stdout).toBe(TEXT);
    expect(stderr).toContain('2 channels are mixed down');
  });

  it('transcribe keeps two channels apart when it is told who speaks on them', async () => {
    const [left, right] = [SCRIPT, [{ silenceMs: 300 }, 'zulu', PAUSE] as const].map((script) =>
      synthesiseToneSpeech(script, 16_000),
    );
    const stereo = interleave(left ?? new Int16Array(), right ?? new Int16Array());
    const file = path.join(directory, 'call.wav');
    const header = wavHeader({ encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 }, stereo.byteLength);
    await writeFile(file, Buffer.concat([header, stereo]));
    const args = ['transcribe', file, '--speaker', 'Ann', '--speaker', 'Bob', '--captions'];
    const { stdout, stderr } = await verbatim(args, environment);
    expect(stdout, stderr).toBe('Ann: alpha bravo charlie\nBob: zulu\nAnn: delta echo\nAnn: foxtrot\n');
    expect(stderr).toContain('Bob: zulu');
  });

  it('transcribe goes on after its connection broke, without a word lost or doubled', async () => {
    const network = await BreakableConnection.to(server.url);
    const cli = new RunningProgram(
      'cli.ts',
      ['transcribe', speech, '--url', network.url, '--speed', '2', '--title', 'Broken'],
      {},
    );
    for (const receivedMs of [500, 2_500]) {
      await until(async () => ((await newest(server, 'Broken'))?.coverage.receivedMs ?? 0) > receivedMs, {
        timeoutMs: PATIENCE_MS,
        what: `${receivedMs} ms of audio`,
      });
      expect(network.cut()).toBe(1);
    }
    const { code, stdout, stderr } = await cli.finished();
    await network.close();
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: TEXT });
    expect(stderr.match(/trying again/gu)?.length).toBeGreaterThanOrEqual(2);
    expect(await newest(server, 'Broken')).toMatchObject({ statistics: { totalSegments: 3 }, coverage: { gapMs: 0 } });
  });

  it('Ctrl-C ends the session properly: what was said until then is completed and printed', async () => {
    const cli = new RunningProgram(
      'cli.ts',
      ['transcribe', speech, '--speed', '1', '--title', 'Cut short'],
      environment,
    );
    await until(async () => ((await newest(server, 'Cut short'))?.statistics.totalSegments ?? 0) > 0, {
      timeoutMs: PATIENCE_MS,
      what: 'the first final',
    });
    const { code, stdout } = await cli.end('SIGINT');
    expect(code).toBe(130);
    expect(stdout.startsWith('alpha bravo charlie\n')).toBe(true);
    expect(stdout.length).toBeLessThan(TEXT.length);
    expect(await newest(server, 'Cut short')).toMatchObject({ status: 'COMPLETED', endReason: 'CLIENT' });
  });

  it.each([
    ['a session that is not there', ['show', '00000000'], /there is no session 00000000/u],
    ['an ambiguous id', ['show', ''], /sessions begin with/u],
    ['a file that is not there', ['transcribe', 'nowhere.wav'], /cannot read nowhere\.wav: there is no such file/u],
    ['a file that is no WAV', ['transcribe', 'package.json'], /package\.json: this is not a WAV file/u],
    [
      'a place that cannot be written',
      ['transcribe', 'SPEECH', '--output', 'nowhere/x.txt'],
      /cannot write nowhere\/x\.txt/u,
    ],
    ['a language that nobody knows', ['transcribe', 'SPEECH', '--language', 'xx'], /language "xx" is not supported/u],
    [
      'a server that is not there',
      ['sessions', '--url', 'http://127.0.0.1:9'],
      /no Verbatim server at http:\/\/127\.0\.0\.1:9/u,
    ],
    ['an address that is none', ['sessions', '--url', 'localhost'], /localhost is no address of a server/u],
    ['two names for one channel', ['transcribe', 'SPEECH', '--speaker', 'A', '--speaker', 'B'], /2 speakers for one/u],
    ['a speed that is none', ['transcribe', 'SPEECH', '--speed', 'fast'], /Give a number up to 1000, or max/u],
    ['a format that is none', ['show', 'x', '--format', 'doc'], /Allowed choices are txt, srt, vtt, json/u],
  ])('one sentence says what is wrong: %s', async (_what, args, message) => {
    const { code, stdout, stderr } = await verbatim(
      args.map((arg) => (arg === 'SPEECH' ? speech : arg)),
      environment,
    );
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('    at ');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

describe('a server that asks for a token', () => {
  const authToken = 'a-token-for-this-test';
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ authToken });
  });
  afterAll(() => server.stop());

  it('gets it from --token or from AUTH_TOKEN', async () => {
    const byOption = await verbatim(['sessions', '--url', server.url, '--token', authToken], {});
    expect(byOption).toMatchObject({ code: 0 });
    const byEnvironment = await verbatim(['sessions'], { DATA_DIR: server.dataDirectory, AUTH_TOKEN: authToken });
    expect(byEnvironment).toMatchObject({ code: 0 });
  });

  it('is told apart from one that is not there', async () => {
    const { code, stderr } = await verbatim(
      ['sessions', '--url', server.url, '--token', 'another-token-than-that'],
      {},
    );
    expect(code).toBe(1);
    expect(stderr).toContain('refuses the connection: give its token with --token');
  });
});

describe('a server that has no room for another session', () => {
  it('is asked again until it has', async () => {
    const server = await startTestServer({ maxOpenSessions: 1 });
    const other = await startSession(server.client);
    const cli = new RunningProgram('cli.ts', ['transcribe', speech, '--url', server.url], {});
    await until(() => cli.stderr.includes('trying again: The server takes no more sessions now'), {
      timeoutMs: PATIENCE_MS,
      what: 'the refusal',
    });
    await endSession(server.client, other);
    const { code, stdout, stderr } = await cli.finished();
    await server.stop();
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: TEXT });
  });
});

describe('a server that is killed while it transcribes', () => {
  it('goes on at its next start, and so does the command that was talking to it', async () => {
    const environment = { DATA_DIR: path.join(directory, 'killed-data'), INTERIM_INTERVAL_MS: '200' };
    const first = new RunningProgram('main.ts', [], { ...environment, PORT: '0' });
    const { port } = await until(() => addressOf(environment.DATA_DIR), { timeoutMs: PATIENCE_MS, what: 'the server' });
    const cli = new RunningProgram('cli.ts', ['transcribe', speech, '--speed', '2'], environment);
    await until(() => first.stdout.includes('session started'), { timeoutMs: PATIENCE_MS, what: 'the session' });
    await first.end('SIGKILL');
    await until(() => cli.stderr.includes('trying again'), { timeoutMs: PATIENCE_MS, what: 'the client to notice' });
    const second = new RunningProgram('main.ts', [], { ...environment, PORT: port });
    const { code, stdout, stderr } = await cli.finished();
    await second.end('SIGTERM');
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: TEXT });
  });
});

describe('where no server runs', () => {
  it('transcribe starts one of its own, and the result is found afterwards', async () => {
    const environment = { DATA_DIR: path.join(directory, 'own-data') };
    const transcribed = await verbatim(['transcribe', speech], environment);
    expect({ code: transcribed.code, stdout: transcribed.stdout }, transcribed.stderr).toEqual({
      code: 0,
      stdout: TEXT,
    });
    const listed = await verbatim(['sessions', '--format', 'json'], environment);
    expect(JSON.parse(listed.stdout)).toMatchObject([{ title: 'speech.wav', status: 'COMPLETED' }]);
  });
});

describe('the help', () => {
  it.each([
    [[], ['serve', 'transcribe', 'sessions', 'show']],
    [
      ['transcribe'],
      [
        '--url',
        '--token',
        '--language',
        '--title',
        '--channels',
        '--speaker',
        '--speed',
        '--captions',
        '--format',
        '--output',
        'DATA_DIR',
      ],
    ],
    [['sessions'], ['--url', '--token', '--limit', '--format']],
    [['show'], ['--url', '--token', '--format']],
  ])('of verbatim %j names everything there is', async (command, names) => {
    const { code, stdout } = await verbatim([...command, '--help'], {});
    expect(code).toBe(0);
    for (const name of names) expect(stdout).toContain(name);
  });
});

/** Where the server of a data directory listens, as soon as it does. */
function addressOf(dataDirectory: string): URL | null {
  const server = readAnnouncedServer(dataDirectory);
  return server === null ? null : new URL(server.url);
}

interface NewestSession {
  readonly status: string;
  readonly endReason: string | null;
  readonly statistics: { readonly totalSegments: number };
  readonly coverage: { readonly receivedMs: number; readonly gapMs: number };
}

/** The newest session of this title, as it stands now. */
async function newest(server: TestServer, title: string): Promise<NewestSession | null> {
  const { sessions } = await server.client.data<{ sessions: { edges: { node: NewestSession }[] } }>(
    `query ($filter: SessionFilter) {
      sessions(filter: $filter) {
        edges { node { status endReason statistics { totalSegments } coverage { receivedMs gapMs } } }
      }
    }`,
    { filter: { titleContains: title } },
  );
  return sessions.edges[0]?.node ?? null;
}
