// Loaded into a watched server and its recogniser processes before their own code (node --import): on SIGUSR2 it collects
// garbage and writes what is left into a file. A signal and a file, since both kinds of process use their own channels.
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const directory = process.env['MEMORY_PROBE_DIR'];
if (directory !== undefined) {
  process.on('SIGUSR2', () => {
    globalThis.gc?.();
    const file = path.join(directory, `${process.pid}.json`);
    writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()));
    renameSync(`${file}.new`, file);
  });
}
