import type { Socket } from 'node:net';

/** The first byte of every TLS connection, of a record with a handshake: https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
const HANDSHAKE = 0x16;
/** More than any browser's headers; who sends more is not told anything. */
const MAX_HEAD_BYTES = 16 * 1024;
const REQUEST_LINE = /^(?:GET|HEAD) (\/[\x21-\x7e]*) HTTP\/1\.[01]\r\n/u;
const HOST = /\r\nhost:[ \t]*([\w.:[\]-]+)[ \t]*\r\n/iu;

/**
 * Looks at what comes first over a connection to a server that speaks TLS. People type addresses without `https://`, and browsers
 * then ask in plain HTTP: they are led to the same place, by an answer that nobody remembers. Nothing else is answered, since what was
 * sent, a token for example, has crossed the network in the clear.
 *
 * @param limitMs how long a client may take until it is clear what it speaks, or what it asks for
 * @param onTls gets the connection, with all that it has sent, when it speaks TLS
 */
export function sortOutPlainVisitors(socket: Socket, limitMs: number, onTls: () => void): void {
  const pieces: Buffer[] = [];
  const leave = () => void socket.destroy();
  socket.on('error', leave);
  // Not a limit of silence: a client could send a character now and then, and keep its connection for days.
  const deadline = setTimeout(leave, limitMs);
  socket.once('close', () => clearTimeout(deadline));
  const look = () => {
    const piece: unknown = socket.read();
    if (!Buffer.isBuffer(piece)) return;
    pieces.push(piece);
    const head = Buffer.concat(pieces);
    if (head[0] === HANDSHAKE) {
      clearTimeout(deadline);
      socket.off('readable', look).off('end', leave);
      socket.unshift(head);
      onTls();
    } else if (head.includes('\r\n\r\n') || head.length > MAX_HEAD_BYTES) {
      socket.off('readable', look);
      socket.once('finish', leave).end(answerTo(head.toString('latin1')));
    }
  };
  socket.on('readable', look);
  socket.once('end', leave);
}

function answerTo(head: string): string {
  const target = REQUEST_LINE.exec(head)?.[1];
  const host = HOST.exec(head)?.[1];
  const place = `https://${host}${target}`;
  const isVisit = target !== undefined && host !== undefined && URL.canParse(place);
  const status = isVisit ? ['307 Temporary Redirect', `location: ${place}`] : ['400 Bad Request'];
  const body = 'This server speaks HTTPS: use https:// instead of http://.\n';
  return [
    `HTTP/1.1 ${status.join('\r\n')}`,
    'connection: close',
    'cache-control: no-store',
    'content-type: text/plain; charset=utf-8',
    `content-length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}
