import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Towards the server, or from it. */
export type Direction = 'up' | 'down';

/** One connection of a client, and the one that it is passed on to. */
class Link {
  readonly #ends: Record<Direction, Socket>;
  /** Bytes that still pass in a direction before the connection is cut. */
  readonly #allowance: Record<Direction, number> = { up: Infinity, down: Infinity };

  constructor(near: Socket, far: Socket, onClose: () => void) {
    // Named by where what is written to them goes.
    this.#ends = { up: far, down: near };
    this.#pass('up', near, far);
    this.#pass('down', far, near);
    near.once('close', onClose);
  }

  cut(): void {
    for (const socket of Object.values(this.#ends)) socket.destroy();
  }

  cutAfter(direction: Direction, bytes: number): void {
    this.#allowance[direction] = bytes;
  }

  /** Holds everything back, as a network does that is lost for a while and then found again. */
  stall(): void {
    for (const socket of Object.values(this.#ends)) socket.pause();
  }

  resume(): void {
    for (const socket of Object.values(this.#ends)) socket.resume();
  }

  #pass(direction: Direction, from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on('data', (data) => {
      const allowed = this.#allowance[direction];
      if (data.length > allowed) {
        to.write(data.subarray(0, allowed), () => this.cut());
        return;
      }
      this.#allowance[direction] -= data.length;
      if (to.write(data)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.on('error', () => this.cut());
    from.on('close', () => this.cut());
  }
}

/**
 * The network between the clients and the server: passes connections on to wherever the server listens now, and fails on
 * demand. Its own address stays the same.
 */
export class Network {
  readonly url: string;
  /** Where the server listens; `null` while there is none: connections are refused. */
  target: string | null = null;
  readonly #server: Server;
  readonly #links: Set<Link>;

  private constructor(server: Server, links: Set<Link>) {
    this.#server = server;
    this.#links = links;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(): Promise<Network> {
    const links = new Set<Link>();
    const server = createServer((near) => {
      near.on('error', () => undefined);
      if (network.target === null) {
        near.destroy();
        return;
      }
      const { hostname, port } = new URL(network.target);
      const link: Link = new Link(near, connect(Number(port), hostname), () => links.delete(link));
      links.add(link);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const network = new Network(server, links);
    return network;
  }

  /** Connections that are there now. */
  get connections(): number {
    return this.#links.size;
  }

  /** Cuts the connections whose place in the list `chosen` accepts. */
  cut(chosen: (index: number) => boolean = () => true): void {
    for (const [index, link] of [...this.#links].entries()) if (chosen(index)) link.cut();
  }

  /** Cuts each of the present connections once so many bytes more have passed: in the middle of a message, as a rule. */
  cutAfter(direction: Direction, bytes: number): void {
    for (const link of this.#links) link.cutAfter(direction, bytes);
  }

  /** Nothing passes for `ms` milliseconds, then everything does. */
  async stall(ms: number): Promise<void> {
    const links = [...this.#links];
    for (const link of links) link.stall();
    await delay(ms);
    for (const link of links) link.resume();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }
}
