// The least that could tell many listeners the same: whatever a socket says (but its greeting) is sent to all that have
// subscribed, as it is.
import { type WebSocket, WebSocketServer } from 'ws';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
const listeners = new Set<WebSocket>();

server.on('connection', (socket) => {
  socket.on('close', () => listeners.delete(socket));
  socket.on('message', (data: Buffer) => {
    const text = data.toString();
    if (text.includes('"connection_init"')) socket.send('{"type":"connection_ack"}');
    else if (text.includes('"subscribe"')) listeners.add(socket);
    else for (const listener of listeners) listener.send(text);
  });
});
server.on('listening', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`ws://127.0.0.1:${address.port}`);
});
