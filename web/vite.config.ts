import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

// React has another build for development, which the environment of a test run would choose.
process.env['NODE_ENV'] = 'production';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The app as the server serves it: files with a hash in their names, nothing inline, nothing from elsewhere. */
export default defineConfig({
  root: path('.'),
  publicDir: false,
  logLevel: 'warn',
  build: {
    outDir: path('../dist/web'),
    emptyOutDir: true,
    target: 'es2023',
    // The content policy allows no data: addresses for code.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      onLog: (level, log, handle) => {
        // "use client" means nothing without server components.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
});
