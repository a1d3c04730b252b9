import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirstSequencer } from './test/support/longest-first-sequencer.ts';

export default defineConfig({
  resolve: {
    // Without this, vitest loads a second copy of graphql (its ES modules) beside the one that the libraries require.
    alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }],
  },
  test: {
    globalSetup: ['test/support/compile-program.ts', 'test/support/build-web.ts'],
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    // Most tests wait for processes and disks rather than compute: three at a time also on two cores.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    sequence: { sequencer: LongestFirstSequencer },
    // No test is about time: these end what hangs, also on a machine that has much else to do.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: { name: 'programs', include: ['test/**/*.test.ts'], exclude: ['test/unit/**', '**/node_modules/**'] },
      },
      {
        extends: true,
        // They put back what they change, so a worker loads the modules once for all of its files.
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false },
      },
    ],
  },
});
