import { randomUUID } from 'node:crypto';
import { access, constants, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ApiConnection } from './api-connection.ts';
import type { ChannelHandling } from './audio-file.ts';
import type { AudioSource } from './audio-source.ts';
import type { CommandContext, ServerOptions } from './context.ts';
import { CommandLineError } from './errors.ts';
import { withServer, type FoundServer } from './find-server.ts';
import { clock, LiveCaptions } from './live-captions.ts';
import { openAudio } from './open-audio.ts';
import { findSession, readTranscript } from './session-queries.ts';
import { reportSession, shortId } from './session-report.ts';
import { formatTranscript, type TranscriptFormat } from '../transcripts/transcript-formats.ts';
import { transcribeFile } from './transcribe-file.ts';

export interface TranscribeOptions extends ServerOptions {
  readonly language: string;
  readonly title?: string;
  /** By default mixed, unless two speakers are named. */
  readonly channels?: ChannelHandling;
  /** By channel, who speaks there. */
  readonly speaker: readonly string[];
  /** Times real time; `Infinity`: as fast as the recogniser follows. */
  readonly speed: number;
  readonly format: TranscriptFormat;
  /** Live captions also where standard error is no terminal. */
  readonly captions?: boolean;
  /** Where the transcript goes; standard output when absent. */
  readonly output?: string;
}

/** What shells report of a program that was ended by Ctrl-C: 128 + SIGINT. */
const INTERRUPTED = 130;

/** @returns the exit code */
export async function transcribe(file: string, options: TranscribeOptions, context: CommandContext): Promise<number> {
  if (options.output !== undefined) await checkFolderOf(options.output);
  const audio = await openAudio(file, options.channels ?? (options.speaker.length > 1 ? 'separate' : 'mix'));
  try {
    checkSpeakers(options.speaker, audio.format.channels);
    return await withServer(options, context, async (server) => {
      await server.ready;
      return transcribeOn(server, audio, file, options, context);
    });
  } finally {
    await audio.close();
  }
}

async function transcribeOn(
  server: FoundServer,
  audio: AudioSource,
  file: string,
  options: TranscribeOptions,
  context: CommandContext,
): Promise<number> {
  const captions = new LiveCaptions(context.stderr, context.environment, {
    always: options.captions ?? false,
    channels: audio.format.channels,
  });
  const stopping = new AbortController();
  const ignoreInterrupts = context.onInterrupt(() => {
    if (stopping.signal.aborted) {
      captions.finish();
      captions.note('left at once: the server ends the session by itself when no audio comes');
      context.exit(INTERRUPTED);
    }
    stopping.abort();
    captions.note('ending the session (Ctrl-C again leaves at once) …');
  });

  captions.note(
    `${path.basename(file)}: ${clock(audio.durationMs)} at ${audio.format.sampleRate} Hz, to ${server.name}`,
  );
  if (audio.isCutOff)
    captions.note('the file was cut off: it ends where it should go on, and is transcribed up to there');
  if (audio.channels > audio.format.channels) captions.note(mixedDown(audio.channels));
  let sessionId: string;
  try {
    sessionId = await transcribeFile(
      server.address,
      audio,
      {
        externalId: `transcribe-${randomUUID()}`,
        title: options.title ?? path.basename(file),
        language: options.language,
        speakers: options.speaker,
        speed: options.speed,
      },
      {
        onSegment: (segment) => captions.showSegment(segment),
        onProgress: ({ acknowledgedMs, backlogMs }) =>
          captions.showProgress(Math.max(0, acknowledgedMs - backlogMs), audio.durationMs, backlogMs),
        onSetback: (error) => captions.note(`trying again: ${error.message}`),
      },
      stopping.signal,
    );
  } finally {
    ignoreInterrupts();
    captions.finish();
  }

  const connection = await ApiConnection.open(server.address);
  try {
    const session = await findSession(connection, sessionId);
    const segments = await readTranscript(connection, sessionId);
    const isWatched = context.stderr.isTTY === true || options.captions === true;
    if (isWatched) captions.note('\nAs it is stored:');
    await deliver(formatTranscript(options.format, segments, session), options.output, context);
    if (isWatched) captions.note('');
    captions.note(reportSession(session));
    captions.note(`again: ${context.programName} show ${shortId(session.id)}`);
    if (!server.isOwn)
      captions.note(`in a browser: ${new URL(`/sessions/${encodeURIComponent(session.id)}`, server.address.url).href}`);
    if (session.status === 'FAILED') throw new CommandLineError('the session failed: its transcript is not complete');
  } finally {
    connection.close();
  }
  return stopping.signal.aborted ? INTERRUPTED : 0;
}

function checkSpeakers({ length: names }: readonly string[], channels: number): void {
  if (names <= channels) return;
  throw new CommandLineError(
    `there are ${names} speakers for ${channels === 1 ? 'one channel' : `${channels} channels`}: name one for each channel that is transcribed`,
  );
}

function mixedDown(channels: number): string {
  const note = `its ${channels} channels are mixed down to one`;
  return channels === 2 ? `${note}: --channels separate transcribes each by itself` : note;
}

/** Better told before an hour of audio than after it. */
async function checkFolderOf(output: string): Promise<void> {
  const folder = path.dirname(path.resolve(output));
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw new CommandLineError(`cannot write ${output}: there is no folder ${folder} that can be written to`, {
      cause: error,
    });
  });
}

async function deliver(transcript: string, output: string | undefined, context: CommandContext): Promise<void> {
  if (output === undefined) {
    context.stdout.write(transcript);
    return;
  }
  try {
    await writeFile(output, transcript);
  } catch (error) {
    throw new CommandLineError(`cannot write ${output}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
