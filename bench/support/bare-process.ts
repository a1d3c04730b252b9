import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startMeasured, type MeasuredProcess } from './measured-process.ts';

const LISTENING_MS = 20_000;

/**
 * Starts one of the programs of this folder that servers are compared with.
 * @param module URL of its file; it prints the address where it listens
 */
export async function startBare(
  module: string,
  options: {
    readonly environment?: Readonly<Record<string, string>>;
    readonly directory: string;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly child: MeasuredProcess; readonly url: URL }> {
  const { environment = {}, directory, signal } = options;
  const entry = fileURLToPath(module);
  const child = await startMeasured({ entry, environment, directory, signal });
  for (const deadline = performance.now() + LISTENING_MS; ;) {
    const [address] = child.output;
    if (address !== undefined) return { child, url: new URL(address) };
    if (child.exit !== null || performance.now() > deadline) {
      await child.stop();
      throw new Error(`${entry} did not start`);
    }
    await delay(20);
  }
}
