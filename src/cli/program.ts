import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { CHANNEL_HANDLINGS } from './audio-file.ts';
import type { CommandContext } from './context.ts';
import { LIST_FORMATS, sessions, show, type SessionsOptions, type ShowOptions } from './session-commands.ts';
import { transcribe, type TranscribeOptions } from './transcribe-command.ts';
import { TRANSCRIPT_FORMATS } from '../transcripts/transcript-formats.ts';

const MAX_LIMIT = 10_000;
const FASTEST = 1000;

const FINDING_A_SERVER = `
Which server: the one of --url; else the one that is running on DATA_DIR (./data by default); else one is
started for the time of the command, with the same DATA_DIR, so that the result is kept where
\`verbatim serve\` finds it.

The result goes to standard output, everything else to standard error. The exit code is 0, 1 after an
error, or 130 after Ctrl-C.`;

const ABOUT_BACKUPS = `
DATA_DIR (./data by default) and DATABASE_URL say where the data is, as for the server.

The summary goes to standard output, everything else to standard error. The exit code is 0, 1 after an
error (nothing was written then), 2 when all was copied and something in it had been damaged before, or
130 after Ctrl-C.`;

/** The whole command line. */
export function createProgram(context: CommandContext): { run(argv: readonly string[]): Promise<number> } {
  let exitCode = 0;
  const program = new Command('verbatim')
    .description('Live transcription that keeps every word: a server, and commands that use its API.')
    .version(version(), '--version', 'print the version')
    .configureHelp({ helpWidth: 100 })
    .showHelpAfterError('(add --help to see how it is used)');

  program
    .command('serve')
    .description('run the server until it is stopped; the environment has its settings (see README.md)')
    .action(async () => {
      // Only when asked for: loading it starts it.
      await import('../main.ts');
    });

  withServerOptions(
    program
      .command('transcribe')
      .description('stream an audio file through the API, with live captions, and print its transcript')
      .argument(
        '<file>',
        'WAV (16-bit PCM, 32-bit float, mu-law or A-law), WebM or Ogg with Opus, FLAC or MP3; 8 to 48 kHz',
      )
      .option('--language <tag>', 'what is spoken, as a BCP 47 tag', 'en')
      .option('--title <title>', 'what the session is called (default: the name of the file)')
      .addOption(
        new Option(
          '--channels <handling>',
          'of a file with several: mix them into one, or separate: transcribe each of two by itself, as for a call with one person on each (default: mix; separate when two speakers are named)',
        ).choices(CHANNEL_HANDLINGS),
      )
      .addOption(
        new Option('--speaker <name>', 'who speaks; given twice: on the first and on the second channel')
          .argParser((name: string, names: readonly string[]) => [...names, name])
          .default([], 'nobody is named'),
      )
      .addOption(
        new Option(
          '--speed <speed>',
          'times real time (1 as if it were spoken now), or max: as fast as it can be recognised',
        )
          .argParser(parseSpeed)
          .default(Infinity, 'max'),
      )
      .option('--captions', 'live captions also where standard error is no terminal: each draft is a line then')
      .addOption(formatOption())
      .option('--output <file>', 'where the transcript goes (default: standard output)'),
  ).action(async (file: string, options: TranscribeOptions) => {
    exitCode = await transcribe(file, options, context);
  });

  withServerOptions(
    program
      .command('sessions')
      .description('list the newest sessions')
      .addOption(new Option('--limit <count>', 'how many at most').argParser(parseLimit).default(20))
      .addOption(new Option('--format <format>', 'how').choices(LIST_FORMATS).default('table')),
  ).action((options: SessionsOptions) => sessions(options, context));

  withServerOptions(
    program
      .command('show')
      .description('print the transcript of a session, with its statistics on standard error')
      .argument('<id>', 'its id in the API or in the database, or the beginning of the latter')
      .addOption(formatOption()),
  ).action((id: string, options: ShowOptions) => show(id, options, context));

  program
    .command('backup')
    .description('copy database and logs of DATA_DIR, also while the server runs')
    .argument('<folder>', 'where to: a folder that is not there yet, or empty')
    .addHelpText('after', ABOUT_BACKUPS)
    .action(async (folder: string) => {
      // Only when asked for: it loads the database.
      const { backup } = await import('./backup-commands.ts');
      exitCode = await backup(folder, version(), context);
    });

  program
    .command('restore')
    .description('put a backup into DATA_DIR, where there is no data yet, while no server runs there')
    .argument('<folder>', 'of the backup')
    .addHelpText('after', ABOUT_BACKUPS)
    .action(async (folder: string) => {
      const { restore } = await import('./backup-commands.ts');
      exitCode = await restore(folder, context);
    });

  return {
    async run(argv) {
      try {
        await program.parseAsync(argv);
        return exitCode;
      } catch (error) {
        context.stderr.write(`verbatim: ${error instanceof Error ? error.message : String(error)}\n`);
        return 1;
      }
    },
  };
}

function withServerOptions(command: Command): Command {
  return command
    .option('--url <url>', 'the server, for example http://127.0.0.1:4000')
    .option('--token <token>', 'its token (default: the variable AUTH_TOKEN, which other users cannot see)')
    .addHelpText('after', FINDING_A_SERVER);
}

function formatOption(): Option {
  return new Option('--format <format>', 'of the transcript').choices(TRANSCRIPT_FORMATS).default('txt');
}

/** Of the package, two folders up from here, in the sources as in the compiled program. */
function version(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(file)).version;
}

function parseSpeed(value: string): number {
  if (value === 'max') return Infinity;
  const speed = Number(value);
  if (!(speed > 0 && speed <= FASTEST)) throw new InvalidArgumentError(`Give a number up to ${FASTEST}, or max.`);
  return speed;
}

function parseLimit(value: string): number {
  const limit = Number(value);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new InvalidArgumentError(`Give a whole number from 1 to ${MAX_LIMIT}.`);
  }
  return limit;
}
