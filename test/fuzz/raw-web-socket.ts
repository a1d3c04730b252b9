import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Violation } from './oracle.ts';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  /** 0 to 15. */
  readonly opcode: number;
  readonly payload?: Buffer;
  /** False: a fragment that is not the last. */
  readonly final?: boolean;
  readonly reservedBits?: number;
  /** What clients must do. */
  readonly masked?: boolean;
  /** Another length than the payload has. */
  readonly claimedLength?: number;
}

/** A frame of RFC 6455, section 5.2, right or wrong. */
export function encodeFrame({ opcode, payload = Buffer.alloc(0), ...frame }: Frame): Buffer {
  const { final = true, reservedBits = 0, masked = true, claimedLength = payload.length } = frame;
  const first = (final ? 0x80 : 0) | (reservedBits << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  const head = Buffer.alloc(claimedLength < 126 ? 2 : claimedLength < 65_536 ? 4 : 10);
  head[0] = first;
  if (claimedLength < 126) head[1] = maskBit | claimedLength;
  else if (claimedLength < 65_536) {
    head[1] = maskBit | 126;
    head.writeUInt16BE(claimedLength, 2);
  } else {
    head[1] = maskBit | 127;
    head.writeBigUInt64BE(BigInt(claimedLength), 2);
  }
  if (!masked) return Buffer.concat([head, payload]);
  const mask = Buffer.from([0x5a, 0xc3, 0x0f, 0x99]);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]);
}

/** How a connection went: the texts that came, and how the server closed it (1006: without a close frame). */
export interface Conversation {
  readonly texts: readonly string[];
  readonly closeCode: number;
  readonly closeReason: string;
}

const LONGEST_CLOSE_MS = 30_000;
/** For answers that may or may not come; nothing is concluded from those that did not. */
const LISTENING_MS = 15;

/**
 * Opens a WebSocket by hand, sends bytes as they are, listens for a moment, and then, unless it was closed before, hangs up:
 * with a close frame and the end of its side, upon which the server must close, or (`abruptly`) without a word.
 * @throws Violation when the server refuses the upgrade or does not close.
 */
export function converse(
  port: number,
  {
    pieces,
    abruptly,
    protocol = 'graphql-transport-ws',
  }: { pieces: readonly Buffer[]; abruptly: boolean; protocol?: string },
): Promise<Conversation> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const frames = new FrameReader();
    const deadline = setTimeout(() => {
      socket.destroy();
      reject(new Violation(`the WebSocket was not closed within ${LONGEST_CLOSE_MS} ms`));
    }, LONGEST_CLOSE_MS);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(deadline);
      resolve({ texts: frames.texts, closeCode: frames.closeCode ?? 1006, closeReason: frames.closeReason });
    });
    socket.on('data', (bytes: Buffer) => {
      frames.read(bytes);
      if (frames.closeCode !== null) socket.end();
    });
    socket.on('connect', () => {
      socket.write(
        `GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
          `sec-websocket-version: 13\r\nsec-websocket-key: ${'A'.repeat(22)}==\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
      );
      void sendAll(socket, pieces)
        .then(() => (abruptly ? undefined : delay(LISTENING_MS)))
        .finally(() => {
          if (abruptly) socket.destroy();
          else if (!socket.destroyed) socket.end(encodeFrame({ opcode: OPCODE.close, payload: Buffer.from([3, 232]) }));
        });
    });
  });
}

async function sendAll(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed || socket.writableEnded) return;
    await new Promise<void>((resolve) => {
      socket.once('close', resolve);
      socket.write(piece, () => {
        socket.off('close', resolve);
        resolve();
      });
    });
  }
}

/** Reads the server's frames, which are whole and not masked; the upgrade's head goes before them. */
class FrameReader {
  readonly texts: string[] = [];
  closeCode: number | null = null;
  closeReason = '';
  #bytes: Buffer = Buffer.alloc(0);
  #upgraded = false;

  read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (!this.#upgraded) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#upgraded = true;
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    for (let frame = this.#next(); frame !== null; frame = this.#next()) {
      if (frame.opcode === OPCODE.text) this.texts.push(frame.payload.toString());
      if (frame.opcode === OPCODE.close) {
        this.closeCode = frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : 1005;
        this.closeReason = frame.payload.toString('utf8', 2);
      }
    }
  }

  #next(): { opcode: number; payload: Buffer } | null {
    const bytes = this.#bytes;
    if (bytes.length < 2) return null;
    const short = (bytes[1] ?? 0) & 0x7f;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < head) return null;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < head + length) return null;
    this.#bytes = bytes.subarray(head + length);
    return { opcode: (bytes[0] ?? 0) & 0x0f, payload: bytes.subarray(head, head + length) };
  }
}
