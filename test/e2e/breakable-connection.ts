import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network between a client and a server that can fail: passes connections on to `target`, until they are cut. */
export class BreakableConnection {
  readonly url: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets: Set<Socket>;

  private constructor(url: string, server: ReturnType<typeof createServer>, sockets: Set<Socket>) {
    this.url = url;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** @param ownPort where to listen; any free one by default. */
  static async to(target: string, ownPort = 0): Promise<BreakableConnection> {
    const { hostname, port } = new URL(target);
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(Number(port), hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    server.listen(ownPort, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address() as AddressInfo;
    return new BreakableConnection(`http://127.0.0.1:${address.port}`, server, sockets);
  }

  /** Cuts all present connections; new ones are passed on again. Returns how many there were. */
  cut(): number {
    const count = this.#sockets.size / 2;
    for (const socket of this.#sockets) socket.destroy();
    return count;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }
}
