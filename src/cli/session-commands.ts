import { ApiConnection } from './api-connection.ts';
import type { CommandContext, ServerOptions } from './context.ts';
import { withServer } from './find-server.ts';
import { findSession, listSessions, readTranscript } from './session-queries.ts';
import { reportSession, tabulateSessions } from './session-report.ts';
import { formatTranscript, type TranscriptFormat } from '../transcripts/transcript-formats.ts';

export const LIST_FORMATS = ['table', 'json'] as const;

export interface SessionsOptions extends ServerOptions {
  readonly limit: number;
  readonly format: (typeof LIST_FORMATS)[number];
}

export interface ShowOptions extends ServerOptions {
  readonly format: TranscriptFormat;
}

/** Lists the newest sessions. */
export async function sessions(options: SessionsOptions, context: CommandContext): Promise<void> {
  const found = await connected(options, context, (connection) => listSessions(connection, options.limit));
  const text = options.format === 'json' ? `${JSON.stringify(found, null, 2)}\n` : tabulateSessions(found);
  context.stdout.write(text);
}

/** Prints the transcript of a session, and how it stands beside it. */
export async function show(id: string, options: ShowOptions, context: CommandContext): Promise<void> {
  const { session, segments } = await connected(options, context, async (connection) => {
    const sessionFound = await findSession(connection, id);
    return { session: sessionFound, segments: await readTranscript(connection, sessionFound.id) };
  });
  context.stderr.write(`${reportSession(session)}\n`);
  context.stdout.write(formatTranscript(options.format, segments, session));
}

async function connected<T>(
  options: ServerOptions,
  context: CommandContext,
  work: (connection: ApiConnection) => Promise<T>,
): Promise<T> {
  return withServer(options, context, async ({ address }) => {
    const connection = await ApiConnection.open(address);
    try {
      return await work(connection);
    } finally {
      connection.close();
    }
  });
}
