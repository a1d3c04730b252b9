// The least that could answer the messages of the acknowledgement benchmark, to compare the server with: the same bytes come
// in and go out over the same WebSocket library, but nothing is validated, checked, kept in order or recognised.
// With STORE each chunk is also appended to a file of its socket, in the working directory, and synced before it is answered, several at once if they
// came during the sync before.
import { open, type FileHandle } from 'node:fs/promises';
import { WebSocketServer } from 'ws';
import { z } from 'zod';

interface Waiting {
  readonly bytes: Buffer;
  readonly answer: () => void;
}

const STORES = process.env['STORE'] === 'yes';
const message = z.object({
  id: z.string().optional(),
  type: z.string(),
  payload: z.object({ variables: z.object({ input: z.object({ audio: z.string() }) }) }).optional(),
});

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
let sockets = 0;

server.on('connection', (socket) => {
  sockets += 1;
  const store = STORES ? new SyncedFile(`${sockets}.audio`) : null;
  let received = 0;
  socket.on('message', (data: Buffer) => {
    const { id, type, payload } = message.parse(JSON.parse(data.toString()));
    if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
    if (payload === undefined) return;
    const bytes = Buffer.from(payload.variables.input.audio, 'base64');
    received += 1;
    const sendAudio = { nextSequence: received, receivedMs: received * 100, backlogMs: 0 };
    const answer = () => {
      socket.send(JSON.stringify({ id, type: 'next', payload: { data: { sendAudio } } }));
      socket.send(JSON.stringify({ id, type: 'complete' }));
    };
    if (store === null) answer();
    else store.append({ bytes, answer });
  });
});
server.on('listening', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`ws://127.0.0.1:${address.port}`);
});

class SyncedFile {
  readonly #file: Promise<FileHandle>;
  #waiting: Waiting[] = [];
  #syncing = false;

  constructor(file: string) {
    this.#file = open(file, 'a');
  }

  append(chunk: Waiting): void {
    this.#waiting.push(chunk);
    if (!this.#syncing) void this.#sync();
  }

  async #sync(): Promise<void> {
    this.#syncing = true;
    const file = await this.#file;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0);
      await file.writev(group.map(({ bytes }) => bytes));
      await file.datasync();
      for (const { answer } of group) answer();
    }
    this.#syncing = false;
  }
}
