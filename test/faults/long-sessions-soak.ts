// npm run test:soak: one session of 24 hours of audio, as fast as the server takes it, killed and started again in its middle.
// Exit code 1: something was lost, late or kept.
import { parseArgs } from 'node:util';
import type { Memory } from '../fuzz/watched-server.ts';
import { runLongSession, type Look, type Recovery } from './long-sessions.ts';

const MIB = 2 ** 20;
/**
 * Growth that is allowed, in MiB for each hour of audio. What may grow with a session is the index of its audio log and the
 * like: far below 0.1 MiB. The heap after a garbage collection is steady enough to see ten times that; what the system counts
 * as resident is not.
 */
const HEAP_LIMIT = 0.5;
const RSS_LIMIT = 4;
/** The first part of each process's time fills caches and pools; the allocator's arenas take until about its half. */
const HEAP_WARM_UP_SHARE = 0.2;
const RSS_WARM_UP_SHARE = 0.5;
/** A line through fewer points says nothing. */
const FEWEST_LOOKS = 8;

const { values } = parseArgs({
  options: { hours: { type: 'string', default: '24' }, sources: { type: 'boolean', default: false } },
});
const hours = Number(values.hours);
if (!(hours > 0 && hours <= 160)) {
  console.error('Usage: npm run test:soak -- [--hours N (24)] [--sources (instead of dist)]');
  process.exit(2);
}

const startedAt = performance.now();
const tell = (line: string) =>
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(7)} s  ${line}`);
const report = await runLongSession({ hours, built: !values.sources, kill: true, tell });
console.log(`\n${hours} hours of audio: ${report.finals} finals, each once, each text and time exact`);
if (report.recovery !== null) printRecovery(report.recovery);
const isFlat = report.looks.map((looks, index) => printGrowth(looks, index + 1)).every(Boolean);
console.log(isFlat ? 'no growth beyond these limits' : 'MEMORY GROWS');
process.exitCode = isFlat ? 0 : 1;

function printRecovery({ hours: before, audioLogBytes, journalBytes, readyMs, memory }: Recovery): void {
  console.log(
    `recovery after ${before} hours (audio log ${(audioLogBytes / MIB).toFixed(0)} MiB, journal ${(journalBytes / MIB).toFixed(2)} MiB): ` +
      `ready ${readyMs.toFixed(0)} ms after the start of the process; RSS ${(memory.rss / MIB).toFixed(0)} MiB`,
  );
}

/** @returns whether the memory of both kinds of process is flat. */
function printGrowth(all: readonly Look[], process: number): boolean {
  const grows = (of: (look: Look) => number, warmUpShare: number) => {
    const looks = all.slice(Math.floor(all.length * warmUpShare));
    return looks.length < FEWEST_LOOKS ? null : slope(looks.map((look) => [look.hours, of(look) / MIB]));
  };
  const held = ({ heapUsed, external }: Memory) => heapUsed + external;
  const heap = { warmUp: HEAP_WARM_UP_SHARE, limit: HEAP_LIMIT };
  const rss = { warmUp: RSS_WARM_UP_SHARE, limit: RSS_LIMIT };
  const figures = [
    { what: 'server, heap and buffers', of: (look: Look) => held(look.server), ...heap },
    { what: 'server, RSS', of: (look: Look) => look.server.rss, ...rss },
    { what: 'recogniser, heap and buffers', of: (look: Look) => held(look.recogniser), ...heap },
    { what: 'recogniser, RSS', of: (look: Look) => look.recogniser.rss, ...rss },
  ];
  let withinLimits = true;
  for (const { what, of, warmUp, limit } of figures) {
    const growth = grows(of, warmUp);
    const told = growth === null ? 'too short to tell' : `${growth.toFixed(3)} MiB an hour (at most ${limit})`;
    console.log(`process ${process}, ${what}: ${told}`);
    withinLimits &&= growth === null || growth <= limit;
  }
  return withinLimits;
}

/** Of the straight line that fits best (least squares). */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0) / all.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const covariance = mean(points.map(([x, y]) => (x - meanX) * (y - meanY)));
  return covariance / mean(points.map(([x]) => (x - meanX) ** 2));
}
