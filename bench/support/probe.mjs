// Loaded into a measured process before its own code (node --import): answers its parent's questions about CPU time, memory
// and the delay of its event loop. Plain JavaScript, so that a compiled server is measured without a loader for TypeScript.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the loop's delay is sampled, in milliseconds: often enough, and nothing that shows in the CPU time. */
const RESOLUTION_MS = 10;

// The server's children inherit its arguments, and with them this file; they are not asked.
if (process.env['MEASURED_BY'] === String(process.ppid)) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();

  process.on('message', (message) => {
    if (message !== 'usage') return;
    const { user, system } = process.cpuUsage();
    /** @param {number} nanoseconds between two ticks, one resolution of which is no delay */
    const late = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    process.send?.({
      cpuMs: (user + system) / 1000,
      residentBytes: process.memoryUsage.rss(),
      loopDelayMs: { p50: late(delay.percentile(50)), p99: late(delay.percentile(99)), max: late(delay.max) },
    });
    // Each answer covers the time since the one before.
    delay.reset();
  });
  // Without its parent nobody would end it.
  process.on('disconnect', () => process.exit(1));
}
