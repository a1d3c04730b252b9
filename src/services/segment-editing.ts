import type { Segment, SessionRecord } from '../database/session-records.ts';
import type { SegmentChange, SessionStore } from '../database/session-store.ts';
import { alignWords } from './align-words.ts';
import { asServiceError } from './error-mapping.ts';
import { noSuchSession, ServiceError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { OpenSession } from './open-session.ts';
import type { OpenSessions } from './open-sessions.ts';
import { transcribedOf } from './segment-edits.ts';
import { sessionIdOfSegment } from './segments.ts';
import type { SessionLookup } from './session-lookup.ts';
import type { SessionReader } from './session-reader.ts';
import { checkSpeakerName, hasVisible } from './session-request.ts';

export interface SegmentEditingParts {
  readonly store: Pick<SessionStore, 'editSegment' | 'renameSpeaker'>;
  readonly reader: SessionReader;
  readonly lookup: SessionLookup;
  readonly open: OpenSessions;
  readonly logger: Logger;
}

/** What can be changed of a final segment; what is `undefined` stays as it is. */
export interface SegmentChanges {
  /** `null`: what the recogniser wrote. */
  readonly text: string | null | undefined;
  /** `null`: the name of its channel. */
  readonly speaker: string | null | undefined;
}

/** In UTF-16 code units: several minutes of speech, and no utterance is half a minute long. */
const MAX_TEXT_LENGTH = 5_000;
/** What answers may cost, and the edits that are in memory, count on segments that are no books. */
const MAX_WORDS = 500;

/**
 * What people correct of a transcript. An edit is in the database before it is answered; then those who follow the session
 * are told. Every method may throw `ServiceError`.
 */
export class SegmentEditing {
  readonly #parts: SegmentEditingParts;

  constructor(parts: SegmentEditingParts) {
    this.#parts = parts;
  }

  /** Changes a final segment, of a session that is running or over, with or without its recording. */
  async updateSegment(segmentId: string, { text, speaker }: SegmentChanges): Promise<Segment> {
    const { store, logger } = this.#parts;
    const written = text === undefined || text === null ? text : checkedText(text);
    const name = speaker === undefined || speaker === null ? speaker : checkedName(speaker);
    const segment = await this.#finalOf(segmentId);
    if (written === undefined && name === undefined) return segment;
    const { sessionId, revision } = segment;
    const transcribed = transcribedBy(written, segment);
    const change = { segmentId, sessionId, transcribed, speaker: name, revision, at: new Date() };
    const edit = await asServiceError(store.editSegment(change));
    if (edit === null) throw noSuchSegment();
    const session = await this.#opened(sessionId);
    session?.addEdit(edit);
    const edited = await this.#finalOf(segmentId);
    session?.feed.publishEdited(edited);
    logger.info({ sessionId, sequence: edited.sequence, revision: edited.revision }, 'segment edited');
    return edited;
  }

  /** Names a channel of a session, for all of its segments that have no name of their own. */
  async renameSpeaker(sessionId: string, channel: number, speaker: string | null): Promise<SessionRecord> {
    const { store, lookup, logger } = this.#parts;
    const name = speaker === null ? null : checkedName(speaker);
    const { channels } = (await lookup.find(sessionId)).audioFormat;
    if (!Number.isInteger(channel) || channel < 0 || channel >= channels) {
      const known = channels === 1 ? 'only channel 0' : `channels 0 to ${channels - 1}`;
      throw new ServiceError('BAD_USER_INPUT', `There is no channel ${channel}: this session has ${known}.`);
    }
    const names = await asServiceError(store.renameSpeaker(sessionId, channel, name));
    if (names === null) throw noSuchSession();
    (await this.#opened(sessionId))?.renameSpeakers(names);
    logger.info({ sessionId, channel }, 'speaker renamed');
    return lookup.find(sessionId);
  }

  async #finalOf(id: string): Promise<Segment> {
    const { reader } = this.#parts;
    const sessionId = sessionIdOfSegment(id);
    if (sessionId === null) throw noSuchSegment();
    const segment = (await reader.segment(id)) ?? (await this.#unopenedFinal(sessionId, id));
    if (segment === null) throw noSuchSegment();
    if (segment.kind === 'FINAL') return segment;
    throw new ServiceError(
      'BAD_USER_INPUT',
      'This segment is a draft, which the recogniser still replaces: change it once it is FINAL.',
    );
  }

  /** What only the journal has of a session that should be open and is not: its recovery had failed. */
  async #unopenedFinal(sessionId: string, id: string): Promise<Segment | null> {
    const { reader, lookup } = this.#parts;
    const record = await reader.session(sessionId);
    if (record === null || (await lookup.openIfRunning(record)) === null) return null;
    return reader.segment(id);
  }

  /** One that is being opened may have read its edits and its row before. */
  async #opened(sessionId: string): Promise<OpenSession | undefined> {
    const { open } = this.#parts;
    await open.opening(sessionId)?.catch(() => undefined);
    return open.get(sessionId);
  }
}

function transcribedBy(text: string | null | undefined, segment: Segment): SegmentChange['transcribed'] {
  if (text === undefined || text === null) return text;
  const heard = transcribedOf(segment);
  // Typed back it is no edit any more.
  return text === heard.text ? null : { text, words: alignWords(heard.words, text) };
}

/** One line, as the recogniser's texts are: white space is made single spaces. @throws ServiceError `BAD_USER_INPUT` */
function checkedText(text: string): string {
  if (text.length > MAX_TEXT_LENGTH) refuse(`text may have ${MAX_TEXT_LENGTH} characters at most.`);
  const line = text.replaceAll(/\s+/gu, ' ').trim();
  if (!hasVisible(line)) refuse('text must say something; null gives back what the recogniser wrote.');
  if (line.split(' ').length > MAX_WORDS) refuse(`text may have ${MAX_WORDS} words at most.`);
  if (/[\p{Cc}\p{Surrogate}]/u.test(line)) {
    refuse('text must be well-formed Unicode without control characters: take them out.');
  }
  return line;
}

function checkedName(name: string): string {
  const trimmed = name.trim();
  checkSpeakerName(trimmed);
  return trimmed;
}

function noSuchSegment(): ServiceError {
  return new ServiceError('NOT_FOUND', 'There is no segment with this id: use the `id` of one that you were given.');
}

function refuse(message: string): never {
  throw new ServiceError('BAD_USER_INPUT', message);
}
