import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const answer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('opened') }),
  z.object({ type: z.literal('counted'), received: z.int(), finals: z.int(), p99BehindFirstMs: z.number() }),
]);
export type ListenerCounts = Omit<z.infer<typeof answer> & { type: 'counted' }, 'type'>;

const LOOK_AGAIN_MS = 100;
const DELIVERY_MS = 30_000;

/** Many sockets that listen, in a process of their own. */
export class Listeners {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param subscription what each of them says when it is acknowledged. @param signal ends the process at once */
  static async open(url: string, sockets: number, subscription: string, signal: AbortSignal): Promise<Listeners> {
    const child = fork(fileURLToPath(import.meta.resolve('./listeners-process.ts')), [], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      signal,
      killSignal: 'SIGKILL',
    });
    const listeners = new Listeners(child);
    await once(child, 'spawn', { signal });
    await listeners.#ask({ type: 'open', url, sockets, subscription });
    return listeners;
  }

  /** What they have received since they were opened; the p99 is of what came since the last count. */
  async count(): Promise<ListenerCounts> {
    const counted = await this.#ask({ type: 'count' });
    if (counted.type !== 'counted') throw new Error('the listeners did not count');
    return counted;
  }

  /** Counts when `isEnough`. @throws when it is not within half a minute */
  async until(isEnough: (counts: ListenerCounts) => boolean, signal: AbortSignal): Promise<ListenerCounts> {
    let p99BehindFirstMs = 0;
    for (const deadline = performance.now() + DELIVERY_MS; performance.now() < deadline;) {
      const counts = await this.count();
      p99BehindFirstMs = Math.max(p99BehindFirstMs, counts.p99BehindFirstMs);
      if (isEnough(counts)) return { ...counts, p99BehindFirstMs };
      await delay(LOOK_AGAIN_MS, undefined, { signal });
    }
    throw new Error(`listeners did not get what was sent: ${JSON.stringify(await this.count())}`);
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }

  async #ask(question: object): Promise<z.infer<typeof answer>> {
    if (this.#child.exitCode !== null) throw new Error('the listeners ended');
    this.#child.send(question);
    const gone = new AbortController();
    try {
      const [message] = await Promise.race([
        once(this.#child, 'message', { signal: gone.signal }),
        once(this.#child, 'exit', { signal: gone.signal }).then(() => {
          throw new Error('the listeners ended');
        }),
      ]);
      return answer.parse(message);
    } finally {
      gone.abort();
    }
  }
}
