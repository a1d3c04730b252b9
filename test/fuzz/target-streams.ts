import type { ChunkFraming, FramedChunk } from '../../src/audio/chunk-framing.ts';
import { MalformedAudioError } from '../../src/audio/containers/malformed-audio-error.ts';
import { createFraming } from '../../src/audio/create-framing.ts';
import { framesToMs, msToFrames, type ContainerFormat } from '../../src/audio/format.ts';
import { dataOf } from '../support/graphql-client.ts';
import { endSession, sendChunk, SKIP, startSession, type Acknowledgement } from '../support/operations.ts';
import { hostileContainer, hostilePieces } from './hostile-containers.ts';
import { judgeResult, Violation } from './oracle.ts';
import type { Random } from './random.ts';
import type { Target, TargetContext } from './target.ts';

/** A session that is sent a container, and what must have become of it. */
interface Streamer {
  readonly id: string;
  readonly format: ContainerFormat;
  readonly kind: string;
  readonly left: Buffer[];
  framing: ChunkFraming;
  next: number;
  frames: number;
}

const PIECES_AT_A_TIME = 12;
/** Then a session is as long as one may be, and the server ends it. */
const LONGEST_MS = 24 * 3_600_000;

/**
 * Containers of all kinds sent to sessions, piece by piece. What can't follow must be refused with its code and change nothing,
 * and what can must be counted: the answers are held against a parser that is given the same pieces. At the end each session
 * must end, with an account that adds up, whatever it was sent.
 */
export function streamTarget({ client }: TargetContext): Target {
  const idle: Streamer[] = [];

  const open = async (random: Random): Promise<Streamer> => {
    const { format, bytes, kind } = hostileContainer(random);
    const id = await startSession(client, { audio: format });
    const left = hostilePieces(bytes, random).slice(0, 400);
    return { id, format, kind, left, framing: createFraming(format), next: 0, frames: 0 };
  };

  const sendPiece = async (streamer: Streamer, piece: Buffer): Promise<string> => {
    const expected = tryToFollow(streamer.framing, piece);
    const result = await sendChunk(client, streamer.id, streamer.next, piece);
    const answer = judgeResult(result);
    if (isOver(streamer) && answer === 'SESSION_NOT_ACTIVE') return answer;
    if (answer !== (expected === null ? 'AUDIO_MALFORMED' : 'data')) {
      throw new Violation(`a piece that can${expected === null ? 'not' : ''} follow: ${JSON.stringify(result)}`);
    }
    if (expected === null) return answer;
    accept(streamer, expected.frames, expected.next, dataOf(result).sendAudio);
    return answer;
  };

  const skip = async (streamer: Streamer, durationMs: number): Promise<string> => {
    const input = { sessionId: streamer.id, sequence: streamer.next, durationMs };
    const result = await client.request<{ skipAudio: Acknowledgement }>(SKIP, { input });
    const answer = judgeResult(result);
    if (isOver(streamer) && answer === 'SESSION_NOT_ACTIVE') return answer;
    if (answer !== 'data') throw new Violation(`a skip was refused: ${JSON.stringify(result)}`);
    const frames = msToFrames(durationMs, streamer.format.sampleRate);
    accept(streamer, frames, streamer.framing.afterLoss(frames), dataOf(result).skipAudio);
    return 'skipped';
  };

  const settle = async (streamer: Streamer): Promise<string> => {
    const { status, coverage } = await endSession(client, streamer.id, streamer.next);
    const { receivedMs, ...classes } = coverage;
    const sum = Object.values(classes).reduce((total, ms) => total + ms, 0);
    const expectedMs = lengthOf(streamer);
    if (sum !== receivedMs || receivedMs !== expectedMs || status === 'FAILED') {
      throw new Violation(`${streamer.kind} of ${expectedMs} ms ended as ${status}: ${JSON.stringify(coverage)}`);
    }
    return `${status}${coverage.failedMs > 0 ? ', not all decoded' : ''}`;
  };

  return {
    attack: async (random, describe) => {
      const streamer = idle.pop() ?? (await open(random));
      describe(streamer.kind);
      if (streamer.left.length === 0) return [await settle(streamer)];
      const answers: string[] = [];
      for (const piece of streamer.left.splice(0, PIECES_AT_A_TIME)) answers.push(await sendPiece(streamer, piece));
      if (random.chance(0.05)) answers.push(await skip(streamer, random.between(1, 2_000)));
      idle.push(streamer);
      return [...new Set(answers)];
    },
    close: async () => {
      await Promise.all(idle.splice(0).map(settle));
    },
  };
}

function tryToFollow(framing: ChunkFraming, piece: Buffer): FramedChunk | null {
  try {
    return framing.take(piece);
  } catch (error) {
    if (error instanceof MalformedAudioError) return null;
    throw error;
  }
}

function lengthOf({ frames, format }: Streamer): number {
  return framesToMs(frames, format.sampleRate);
}

function isOver(streamer: Streamer): boolean {
  return lengthOf(streamer) >= LONGEST_MS;
}

/** Notes what was acknowledged, and holds the answer against what it must be. @throws Violation */
function accept(streamer: Streamer, frames: number, next: ChunkFraming, answer: Acknowledgement): void {
  Object.assign(streamer, { next: streamer.next + 1, frames: streamer.frames + frames, framing: next });
  if (answer.nextSequence === streamer.next && answer.receivedMs === lengthOf(streamer) && !answer.duplicate) return;
  throw new Violation(
    `${streamer.kind}, chunk ${streamer.next - 1}, up to ${lengthOf(streamer)} ms: ${JSON.stringify(answer)}`,
  );
}
