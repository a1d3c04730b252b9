import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Before all tests: builds the web app unless it is newer than all of its sources, so that servers serve what they say. */
export default function setup(): void {
  const built = path.join(PROJECT, 'dist/web/index.html');
  const changed = ['web', 'src/client'].flatMap((folder) =>
    readdirSync(path.join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.([jt]sx?|css|html|svg)$/u.test(name))
      .map((name) => statSync(path.join(PROJECT, folder, name)).mtimeMs),
  );
  if (existsSync(built) && statSync(built).mtimeMs >= Math.max(...changed)) return;
  execFileSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '-c', 'web/vite.config.ts'], {
    cwd: PROJECT,
    stdio: 'inherit',
  });
}
