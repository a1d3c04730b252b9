#!/usr/bin/env node
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createProgram } from './cli/program.ts';

// `verbatim sessions | head` closes the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// As the server does: what is set in the environment already goes before what the file says.
if (existsSync('.env')) process.loadEnvFile('.env');

const script = process.argv[1] ?? 'verbatim';

process.exitCode = await createProgram({
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  // Under its own name when it was installed as a command, else as the file that node was given.
  programName: path.extname(script) === '' ? 'verbatim' : `node ${path.relative(process.cwd(), script)}`,
  onInterrupt: (handler) => {
    process.on('SIGINT', handler);
    return () => process.off('SIGINT', handler);
  },
  exit: (code) => process.exit(code),
}).run(process.argv);
