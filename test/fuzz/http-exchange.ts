import { connect, type Socket } from 'node:net';
import { Violation } from './oracle.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface Exchange {
  /** Written one after the other, each when the one before has left. */
  readonly pieces: readonly (Buffer | string)[];
  /**
   * What follows the last piece. `answer`: nothing; the request is whole, and an answer must come, or the connection be
   * closed. `finish`: no more is sent, and the server must close. `abort`: the connection is cut.
   */
  readonly ending: 'answer' | 'finish' | 'abort';
}

/** A server that has nothing to wait for may not take longer than this, in milliseconds; `endSession` waits 10 s itself. */
const LONGEST_ANSWER_MS = 30_000;

/** Sends bytes over a connection of its own. @returns the answers that came. @throws Violation when the server leaves it hanging. */
export function exchange(port: number, { pieces, ending }: Exchange): Promise<HttpAnswer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const received: Buffer[] = [];
    const leave = (settle: () => void) => {
      clearTimeout(deadline);
      socket.destroy();
      try {
        settle();
      } catch (error) {
        reject(error);
      }
    };
    const deadline = setTimeout(() => {
      leave(() => reject(new Violation(`no answer and no close within ${LONGEST_ANSWER_MS} ms`)));
    }, LONGEST_ANSWER_MS);
    socket.on('data', (piece: Buffer) => {
      received.push(piece);
      if (ending !== 'answer') return;
      const all = Buffer.concat(received);
      if (isWhole(all)) leave(() => resolve(parseAnswers(all).answers));
    });
    // Being hung up on in the middle of sending is an answer, too.
    socket.on('error', () => undefined);
    socket.on('close', () => leave(() => resolve(parseAnswers(Buffer.concat(received)).answers)));
    socket.on('connect', () => {
      void write(socket, pieces).finally(() => {
        if (ending === 'finish') socket.end();
        if (ending === 'abort') leave(() => resolve([]));
      });
    });
  });
}

async function write(socket: Socket, pieces: readonly (Buffer | string)[]): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', resolve);
      socket.write(piece, () => {
        socket.off('close', resolve);
        resolve();
      });
    });
  }
}

/** Something may be wrong with it, too. */
function isWhole(bytes: Buffer): boolean {
  try {
    const { answers, rest } = parseAnswers(bytes);
    return answers.length > 0 && rest === 0;
  } catch {
    return true;
  }
}

/** The whole answers at the beginning of what came; `rest`: bytes behind them. Interim answers (1xx) are passed over. */
function parseAnswers(bytes: Buffer): { answers: HttpAnswer[]; rest: number } {
  const answers: HttpAnswer[] = [];
  let at = 0;
  for (;;) {
    const headEnd = bytes.indexOf('\r\n\r\n', at);
    if (headEnd < 0) return { answers, rest: bytes.length - at };
    const head = bytes.toString('latin1', at, headEnd);
    const status = Number(/^HTTP\/1\.1 (\d{3})/u.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw new Violation(`no HTTP answer: ${head.slice(0, 100)}`);
    const bodyStart = headEnd + 4;
    const length = bodyLength(head, status, bytes.subarray(bodyStart));
    if (length === null) return { answers, rest: bytes.length - at };
    at = bodyStart + length;
    if (status >= 200) answers.push({ status, body: bytes.toString('utf8', bodyStart, at) });
  }
}

/** Bytes of the body that follows a head; `null` while it is not whole. */
function bodyLength(head: string, status: number, behind: Buffer): number | null {
  if (status < 200 || status === 204 || status === 304) return 0;
  const given = /^content-length: *(\d+)/imu.exec(head)?.[1];
  if (given !== undefined) return behind.length >= Number(given) ? Number(given) : null;
  if (/^transfer-encoding: *chunked/imu.test(head)) {
    return chunkedLength(behind);
  }
  // Without either it ends with the connection: all that came belongs to it.
  return behind.length;
}

/** Bytes of a chunked body with its last chunk; `null` while that has not come. */
function chunkedLength(bytes: Buffer): number | null {
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Violation('a chunk without a size');
    at = lineEnd + 2 + size + 2;
    if (size === 0) return at <= bytes.length ? at : null;
  }
}
