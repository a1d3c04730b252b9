import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Without this, vitest loads a second copy of graphql (its ES modules) beside the one that the libraries require.
    alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/compile-program.ts'],
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    // Most tests wait for processes and disks rather than compute: two at a time also on two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // No test is about time: these end what hangs, also on a machine that has much else to do.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
