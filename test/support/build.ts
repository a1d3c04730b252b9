import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** Compiles the sources as `npm run build` does, unless `dist` is newer than all of them: `npm start` runs what is there. */
export function buildIfStale(project: string): void {
  const built = path.join(project, 'dist/main.js');
  const sources = path.join(project, 'src');
  const changed = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]s$/u.test(name))
    .map((name) => statSync(path.join(sources, name)).mtimeMs);
  if (existsSync(built) && statSync(built).mtimeMs >= Math.max(...changed)) return;
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    cwd: project,
    stdio: 'inherit',
  });
}
