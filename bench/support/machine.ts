import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';

/** What the figures depend on: processor, memory, system, Node. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const gibibytes = (totalmem() / 1024 ** 3).toFixed(1);
  return `${availableParallelism()} × ${model}, ${gibibytes} GiB, ${platform()} ${arch()}, Node ${process.versions.node}`;
}

/** Load averages of the last 1 and 5 minutes: what else the machine did. */
export function describeLoad(): string {
  const [lastMinute = 0, lastFiveMinutes = 0] = loadavg();
  return `${lastMinute.toFixed(2)} / ${lastFiveMinutes.toFixed(2)}`;
}
