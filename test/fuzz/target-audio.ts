import { randomUUID } from 'node:crypto';
import { bytesPerFrame, framesToMs, msToFrames, type AudioEncoding, type AudioFormat } from '../../src/audio/format.ts';
import { dataOf, type GraphqlResult } from '../support/graphql-client.ts';
import { END, endSession, readSession, SEND, SKIP, START, startSession } from '../support/operations.ts';
import { GraphqlSocket } from './graphql-socket.ts';
import { exchange } from './http-exchange.ts';
import { judgeHttp, judgeResult, Violation } from './oracle.ts';
import { Random } from './random.ts';
import { anyId } from './sessions-pool.ts';
import type { Target, TargetContext } from './target.ts';

/** What the server must have of a session, given what it acknowledged. */
interface Sender {
  readonly id: string;
  readonly externalId: string;
  readonly format: AudioFormat;
  /** By channel; of one channel nobody is named. */
  readonly speakers: readonly (string | null)[];
  next: number;
  frames: number;
  /** The chunk before `next`; `null` when that was a skip, or there is none. */
  last: Buffer | null;
}

interface Acknowledged {
  readonly nextSequence: number;
  readonly receivedMs: number;
  readonly duplicate: boolean;
}

const FORMATS: readonly (readonly [AudioEncoding, sampleRate: number, channels: 1 | 2])[] = [
  ['PCM_S16LE', 16_000, 1],
  ['PCM_S16LE', 44_100, 2],
  ['PCM_F32LE', 48_000, 1],
  ['PCM_F32LE', 22_050, 2],
  ['MULAW', 8_000, 2],
  ['ALAW', 11_025, 1],
];
const SOCKETS = 4;
/** A session's inputs, on average, before it is ended and its account checked. */
const INPUTS_A_SESSION = 60;
const LONGEST_CHUNK_FRAMES = 800;
const DAY_MS = 86_400_000;

const FINALS = `query ($id: ID!) { session(id: $id) { segments(first: 100) { edges { node { channel speaker } } } } }`;

type Attack = (sender: Sender, random: Random) => Promise<string>;

/**
 * Chunks, skips and ends, right and wrong, of which the right ones must be stored and the wrong ones change nothing: the
 * numbers and times that the server answers with are held against those that its acknowledgements add up to.
 */
export function audioTarget(context: TargetContext): Target {
  const { client, url, port, known } = context;
  const sockets = Array.from({ length: SOCKETS }, () => new GraphqlSocket(url));
  const idle: Sender[] = [];

  const run = async (
    random: Random,
    query: string,
    input: object,
  ): Promise<GraphqlResult<Record<string, Acknowledged>>> => {
    const [result] = await random.pick(sockets).run(JSON.stringify({ query, variables: { input } }));
    return result ?? {};
  };
  const send = (random: Random, sessionId: string, sequence: unknown, audio: unknown) =>
    run(random, SEND, { sessionId, sequence, audio });
  const post = async (path: string, body: Buffer): Promise<{ status: number; body: string }> => {
    const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/octet-stream\r\ncontent-length: ${body.length}\r\n\r\n`;
    const [answer] = await exchange(port, { pieces: [Buffer.from(head, 'latin1'), body], ending: 'answer' });
    return answer ?? { status: 0, body: 'closed' };
  };

  const right: Attack = async (sender, random) => {
    const chunk = anyChunk(sender, random);
    const sequence = sender.next;
    if (random.chance(0.3)) {
      const { status, body } = await post(
        `/sessions/${encodeURIComponent(sender.id)}/audio?sequence=${sequence}`,
        chunk,
      );
      if (status !== 200) throw new Violation(`a right chunk was answered with ${status}: ${body}`);
      accept(sender, chunk, chunk.length / bytesPerFrame(sender.format), JSON.parse(body) as Acknowledged);
      return judgeHttp(status, body);
    }
    const result = await send(random, sender.id, sequence, chunk.toString('base64'));
    const answer = judgeResult(result);
    if (answer !== 'data') throw new Violation(`a right chunk was refused: ${JSON.stringify(result)}`);
    accept(sender, chunk, chunk.length / bytesPerFrame(sender.format), dataOf(result)['sendAudio']);
    return answer;
  };

  const again: Attack = async (sender, random) => {
    if (sender.last === null) return right(sender, random);
    const result = await send(random, sender.id, sender.next - 1, sender.last.toString('base64'));
    if (dataOf(result)['sendAudio']?.duplicate !== true) throw new Violation(`no duplicate: ${JSON.stringify(result)}`);
    return 'duplicate';
  };

  const otherBytes: Attack = async (sender, random) => {
    if (sender.last === null) return right(sender, random);
    const other = Buffer.from(sender.last);
    const at = random.below(other.length);
    other[at] = (other[at] ?? 0) ^ 1;
    // The lowest bit of a float that was finite leaves it finite, unless it was in the exponent; then it may be malformed.
    return refused(
      await send(random, sender.id, sender.next - 1, other.toString('base64')),
      'AUDIO_CONFLICT',
      'AUDIO_MALFORMED',
    );
  };

  const gap: Attack = async (sender, random) => {
    const sequence = sender.next + random.pick([1, 2, 63, 64, 65, 1_000, 2 ** 31 - 1 - sender.next]);
    const result = await send(random, sender.id, sequence, anyChunk(sender, random).toString('base64'));
    return refused(result, 'AUDIO_OUT_OF_ORDER');
  };

  const malformed: Attack = async (sender, random) => {
    const frameBytes = bytesPerFrame(sender.format);
    const chunk = anyChunk(sender, random);
    const float = Buffer.alloc(4);
    float.writeFloatLE(random.pick([Number.NaN, Infinity, -Infinity]));
    const audio = random.pick<unknown>([
      '',
      ...(frameBytes > 1 ? [chunk.subarray(1).toString('base64')] : []),
      ...(sender.format.encoding === 'PCM_F32LE' ? [Buffer.concat([chunk, float]).toString('base64')] : []),
      'A',
      'AAA',
      'AA=A',
      '====',
      'AAA-',
      'A A=',
      'AAAA\n',
      '\0\0\0\0',
      '漢字漢字',
      random.text(50) || 'x',
    ]);
    const answer = judgeResult(await send(random, sender.id, sender.next, audio));
    // Random text may be four letters, which is a chunk after all; how long that is the server has to say.
    if (answer === 'data') await resynchronise(sender);
    return answer;
  };

  /** One sample of two, or one byte of several. */
  const halfFrame: Attack = async (sender, random) => {
    const frameBytes = bytesPerFrame(sender.format);
    if (frameBytes === 1) return right(sender, random);
    const missing = random.pick([1, frameBytes - 1, frameBytes / 2]);
    const chunk = anyChunk(sender, random).subarray(missing);
    if (random.chance(0.5)) {
      return refused(await send(random, sender.id, sender.next, chunk.toString('base64')), 'AUDIO_MALFORMED');
    }
    const { status, body } = await post(
      `/sessions/${encodeURIComponent(sender.id)}/audio?sequence=${sender.next}`,
      chunk,
    );
    if (status !== 422) throw new Violation(`half a frame was answered with ${status}`);
    return judgeHttp(status, body);
  };

  /** The session again, or another one, with channels or names that it can't have. */
  const wrongChannels: Attack = async ({ externalId, format }, random) => {
    const audio = { ...format, channels: 3 - format.channels };
    if (random.chance(0.5)) return refused(await run(random, START, { externalId, audio }), 'SESSION_CONFLICT');
    const wrong = random.pick<object>([
      { audio: { ...format, channels: random.pick<unknown>([0, -1, 3, 255, 2 ** 31, 1.5, '2', null, [2], {}]) } },
      { audio: format, speakers: Array.from({ length: random.between(3, 5_000) }, () => 'x') },
      {
        audio: format,
        speakers: [random.pick<unknown>(['', ' ', '\n', 'a\u0000b', '\ud800', 'x'.repeat(101), 1, {}, []])],
      },
    ]);
    return refused(await run(random, START, wrong), 'BAD_USER_INPUT');
  };

  const foundAgain: Attack = async ({ id, externalId, format: audio }, random) => {
    const speakers = random.pick([undefined, null, [], [null], ['somebody else']]);
    const found = await startSession(client, { externalId, audio, speakers });
    if (found !== id) throw new Violation(`asked for ${externalId} again, ${id} became ${found}`);
    return 'found again';
  };

  const wrongTypes: Attack = async (sender, random) => {
    const sequence = random.pick([
      -1,
      1.5,
      2 ** 31,
      2 ** 53,
      '0',
      null,
      [sender.next],
      {},
      Number.MAX_VALUE,
      undefined,
    ]);
    // A list of one is coerced to nothing else, and so is everything here: the specification allows only whole numbers.
    const audio = random.pick([null, 1, [], {}, true, anyChunk(sender, random).toString('base64')]);
    return refused(await send(random, sender.id, sequence, audio), 'BAD_USER_INPUT', 'AUDIO_MALFORMED');
  };

  const tooLarge: Attack = async (sender, random) => {
    const bytes = Buffer.alloc(2 ** 20 + 4 * random.between(1, 20));
    if (random.chance(0.5))
      return refused(await send(random, sender.id, sender.next, bytes.toString('base64')), 'AUDIO_TOO_LARGE');
    const { status, body } = await post(
      `/sessions/${encodeURIComponent(sender.id)}/audio?sequence=${sender.next}`,
      bytes,
    );
    if (status === 0) return 'closed';
    if (status !== 413) throw new Violation(`a chunk over the limit was answered with ${status}`);
    return judgeHttp(status, body);
  };

  const skip: Attack = async (sender, random) => {
    const durationMs = random.pick<unknown>([
      1,
      7,
      333,
      0,
      -1,
      1.5,
      DAY_MS + 1,
      2 ** 31,
      null,
      '1',
      random.between(1, 500),
    ]);
    const result = await run(random, SKIP, { sessionId: sender.id, sequence: sender.next, durationMs });
    const answer = judgeResult(result);
    const isRight =
      typeof durationMs === 'number' && Number.isInteger(durationMs) && durationMs > 0 && durationMs <= DAY_MS;
    if (isRight !== (answer === 'data'))
      throw new Violation(`skipping ${String(durationMs)} ms: ${JSON.stringify(result)}`);
    if (isRight) accept(sender, null, msToFrames(durationMs, sender.format.sampleRate), dataOf(result)['skipAudio']);
    return answer;
  };

  const wrongRawPath: Attack = async (sender, random) => {
    const id = random.chance(0.5) ? sender.id : anyId(known, random);
    const sequence = random.pick([
      '',
      '-1',
      '1.5',
      '1e3',
      '99999999999',
      '2147483648',
      'x',
      '%00',
      '0&sequence=1',
      ' 1',
      '٣',
    ]);
    // A session of the known things takes chunk 0 again, with other bytes.
    const path = `/sessions/${encodeURIComponent(Buffer.from(id).toString())}/audio?sequence=${encodeURIComponent(sequence)}`;
    const { status, body } = await post(path, Buffer.from([1, 2]));
    return judgeHttp(status, body);
  };

  const unknownSession: Attack = async (sender, random) => {
    const id = random.pick([anyId(known, random), '', sender.id.toLowerCase(), `${sender.id} `]);
    return judgeResult(await send(random, id, random.below(3), random.bytes(2).toString('base64')));
  };

  const rivals: Attack = async (sender, random) => {
    const chunks = [anyChunk(sender, random), anyChunk(sender, random), anyChunk(sender, random)];
    const sequence = sender.next;
    const results = await Promise.all(
      chunks.map((chunk) => send(random, sender.id, sequence, chunk.toString('base64'))),
    );
    const answers = results.map(judgeResult);
    const winner = answers.findIndex(
      (answer, index) => answer === 'data' && results[index]?.data?.['sendAudio']?.duplicate === false,
    );
    const chunk = chunks[winner];
    if (chunk === undefined) throw new Violation(`of rivals none was stored: ${JSON.stringify(results)}`);
    accept(sender, chunk, chunk.length / bytesPerFrame(sender.format), undefined);
    for (const [index, answer] of answers.entries()) {
      const isSame = chunks[index]?.equals(chunk);
      if (index !== winner && answer !== (isSame ? 'data' : 'AUDIO_CONFLICT'))
        throw new Violation(`a rival got ${answer}`);
    }
    return 'one of rivals';
  };

  const pipelined: Attack = async (sender, random) => {
    const socket = random.pick(sockets);
    const chunks = Array.from({ length: random.between(2, 12) }, () => anyChunk(sender, random));
    const first = sender.next;
    const results = await Promise.all(
      chunks.map((chunk, index) => {
        const input = { sessionId: sender.id, sequence: first + index, audio: chunk.toString('base64') };
        return socket.run(JSON.stringify({ query: SEND, variables: { input } }));
      }),
    );
    for (const [index, chunk] of chunks.entries()) {
      const result = results[index]?.[0] as GraphqlResult<Record<string, Acknowledged>> | undefined;
      const answer = dataOf(result ?? {})['sendAudio'];
      accept(
        sender,
        chunk,
        chunk.length / bytesPerFrame(sender.format),
        { ...answer, nextSequence: sender.next + 1 } as Acknowledged,
        true,
      );
    }
    return 'pipelined';
  };

  const wrongEnd: Attack = async (sender, random) => {
    const nextSequence = random.pick<unknown>([
      sender.next + 1,
      sender.next + 1_000,
      -1,
      1.5,
      '1',
      ...(sender.next > 0 ? [sender.next - 1] : []),
    ]);
    const result = await run(random, END, { sessionId: sender.id, nextSequence });
    return refused(result, 'AUDIO_OUT_OF_ORDER', 'AUDIO_CONFLICT', 'BAD_USER_INPUT');
  };

  const attacks: readonly Attack[] = [
    right,
    right,
    right,
    right,
    again,
    otherBytes,
    gap,
    malformed,
    malformed,
    halfFrame,
    wrongChannels,
    foundAgain,
    wrongTypes,
    skip,
    skip,
    wrongRawPath,
    unknownSession,
    rivals,
    pipelined,
    wrongEnd,
  ];

  const open = async (random: Random): Promise<Sender> => {
    const [encoding, sampleRate, channels] = random.pick(FORMATS);
    const format = { encoding, sampleRate, channels };
    const speakers = channels === 1 ? [] : ['left', random.pick([null, 'right'])];
    const externalId = randomUUID();
    const id = await startSession(client, { externalId, audio: format, speakers });
    return { id, externalId, format, speakers, next: 0, frames: 0, last: null };
  };

  const resynchronise = async (sender: Sender): Promise<void> => {
    const { nextSequence } = await readSession(client, sender.id);
    if (nextSequence !== sender.next + 1) throw new Violation(`chunk ${sender.next} was acknowledged, but not counted`);
    sender.next = nextSequence;
    sender.last = null;
    sender.frames = Number.NaN;
  };

  /** Ends the session and checks its account. */
  const settle = async (sender: Sender, random: Random): Promise<string> => {
    const { status, coverage, nextSequence } = await endSession(client, sender.id, sender.next);
    const { receivedMs, ...classes } = coverage;
    const sum = Object.values(classes).reduce((total, ms) => total + ms, 0);
    const expectedMs = framesToMs(sender.frames, sender.format.sampleRate);
    if (
      sum !== receivedMs ||
      nextSequence !== sender.next ||
      (!Number.isNaN(sender.frames) && receivedMs !== expectedMs)
    ) {
      throw new Violation(
        `${expectedMs} ms in ${sender.next} chunks became ${JSON.stringify({ coverage, nextSequence })}`,
      );
    }
    await checkFinals(sender);
    const late = await send(random, sender.id, sender.next, anyChunk(sender, random).toString('base64'));
    return `${status}, then ${refused(late, 'SESSION_NOT_ACTIVE')}`;
  };

  /** What noise was heard as is nobody's business; on which channel, and as whose, is. */
  const checkFinals = async ({ id, format, speakers }: Sender): Promise<void> => {
    const { session } = await client.data<{
      session: { segments: { edges: { node: { channel: number; speaker: string | null } }[] } };
    }>(FINALS, { id });
    for (const { node } of session.segments.edges) {
      if (node.channel >= format.channels || node.speaker !== (speakers[node.channel] ?? null)) {
        throw new Violation(`a final of ${JSON.stringify(node)} with ${JSON.stringify({ format, speakers })}`);
      }
    }
  };

  return {
    attack: async (random, describe) => {
      const sender = idle.pop() ?? (await open(random));
      if (random.chance(1 / INPUTS_A_SESSION)) {
        describe('end');
        return [await settle(sender, random)];
      }
      const attack = random.chance(0.005) ? tooLarge : random.pick(attacks);
      const { encoding, sampleRate, channels } = sender.format;
      describe(`${attack.name}, ${encoding} at ${sampleRate}, channels: ${channels}`);
      const answer = await attack(sender, random);
      idle.push(sender);
      return [answer];
    },
    close: async () => {
      await Promise.all(idle.splice(0).map((sender) => settle(sender, new Random('last'))));
      for (const socket of sockets) socket.close();
    },
  };
}

/** Notes an acknowledged item, and holds the answer against what it must be. `ahead`: others were stored meanwhile. */
function accept(
  sender: Sender,
  chunk: Buffer | null,
  frames: number,
  answer: Acknowledged | undefined,
  ahead = false,
): void {
  sender.next += 1;
  sender.frames += frames;
  sender.last = chunk;
  if (answer === undefined) return;
  const expectedMs = framesToMs(sender.frames, sender.format.sampleRate);
  const isRight =
    Number.isNaN(sender.frames) || (ahead ? answer.receivedMs >= expectedMs : answer.receivedMs === expectedMs);
  if (answer.nextSequence !== sender.next || !isRight || answer.duplicate) {
    throw new Violation(
      `chunk ${sender.next - 1}, up to ${expectedMs} ms, was answered with ${JSON.stringify(answer)}`,
    );
  }
}

function refused(result: unknown, ...codes: readonly string[]): string {
  const answer = judgeResult(result);
  if (!codes.includes(answer)) throw new Violation(`not refused with ${codes.join(' or ')}: ${JSON.stringify(result)}`);
  return answer;
}

/** Noise, or silence, of a length that fits the format; always finite. */
function anyChunk({ format }: Sender, random: Random): Buffer {
  const frames = random.between(1, LONGEST_CHUNK_FRAMES);
  if (format.encoding !== 'PCM_F32LE') {
    return random.chance(0.5)
      ? random.bytes(frames * bytesPerFrame(format))
      : Buffer.alloc(frames * bytesPerFrame(format), random.below(256));
  }
  const bytes = Buffer.alloc(frames * bytesPerFrame(format));
  for (let at = 0; at < bytes.length; at += 4)
    bytes.writeFloatLE(random.pick([0, -0, 1, -1, 1e30, 1e-40, random.below(200) / 100 - 1]), at);
  return bytes;
}
