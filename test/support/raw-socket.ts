import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until } from './wait.ts';

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A socket that speaks the messages of `graphql-transport-ws` as they are, to send what a proper client would not. */
export class RawSocket {
  readonly messages: Message[] = [];
  readonly socket: WebSocket;
  closedWith: number | null = null;
  closeReason = '';

  constructor(url: string, protocol: string | string[] = 'graphql-transport-ws') {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocol);
    this.socket.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString())));
    this.socket.on('close', (code, reason) => {
      this.closedWith = code;
      this.closeReason = reason.toString();
    });
    this.socket.on('error', () => undefined);
  }

  async open(connectionParams: object = {}): Promise<this> {
    await once(this.socket, 'open');
    this.send({ type: 'connection_init', payload: connectionParams });
    await this.received(({ type }) => type === 'connection_ack');
    return this;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  subscribe(id: string, query: string, variables: object = {}): void {
    this.send({ id, type: 'subscribe', payload: { query, variables } });
  }

  received(matches: (message: Message) => boolean): Promise<Message> {
    return until(() => this.messages.find(matches), { what: 'a message' });
  }

  closed(): Promise<number> {
    return until(() => this.closedWith, { what: 'the close of the socket' });
  }
}
