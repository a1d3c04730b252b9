import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Without this, vitest loads a second copy of graphql (its ES modules) beside the one that the libraries require.
    alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
