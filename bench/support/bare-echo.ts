// The least that could answer a chunk of audio as JSON, to compare the server with: over the same WebSocket library the two
// messages that the protocol wants, over node:http one answer. Bodies are parsed and answers made with JSON.parse and
// JSON.stringify; nothing is validated, decoded, kept in order, stored or recognised.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';

const CHUNK_MS = 100;
let received = 0;

const server = createServer((request, response) => void answer(request, response));
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on('connection', (socket) => {
  socket.on('message', (data: Buffer) => {
    const { id, type, payload } = JSON.parse(data.toString());
    if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
    if (payload === undefined) return;
    socket.send(JSON.stringify({ id, type: 'next', payload: { data: acknowledge(payload) } }));
    socket.send(JSON.stringify({ id, type: 'complete' }));
  });
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.from(JSON.stringify({ data: acknowledge(JSON.parse(Buffer.concat(pieces).toString())) }));
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.byteLength });
  response.end(body);
}

function acknowledge({ variables }: { variables: { input: { audio: string } } }): object {
  if (typeof variables.input.audio !== 'string') throw new TypeError('there is no audio');
  received += 1;
  return { sendAudio: { nextSequence: received, receivedMs: received * CHUNK_MS, backlogMs: 0 } };
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}`);
});
