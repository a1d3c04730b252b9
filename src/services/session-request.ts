import { MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, type AudioFormat } from '../audio/format.ts';
import { ServiceError } from './errors.ts';

/** What a client asks for when it starts a session. */
export interface SessionRequest {
  /** The client's own name for the recording, unique among all sessions. */
  readonly externalId: string | null;
  readonly title: string | null;
  /** BCP 47 tag, for example `en` or `en-GB`; one whose primary language the recogniser knows. */
  readonly language: string;
  readonly audioFormat: AudioFormat;
  /** By channel, who speaks there; `null` or missing: nobody has said so. */
  readonly speakers: readonly (string | null)[];
  /** Any JSON, kept and given back as it is. */
  readonly metadata: unknown;
}

/** What can be changed of a session later. */
export interface SessionChanges {
  /** `null`: none. */
  readonly title: string | null | undefined;
}

const MAX_EXTERNAL_ID_LENGTH = 200;
const MAX_TITLE_LENGTH = 500;
const MAX_SPEAKER_LENGTH = 100;
const MAX_METADATA_BYTES = 16 * 1024;
/** Levels of objects and lists; what writes or reads JSON recurses, and has only so much of a stack. */
const MAX_METADATA_DEPTH = 100;
/** Channels that are transcribed. */
const MAX_CHANNELS = 2;

/** The primary language of a BCP 47 tag, which is what recognisers know: `en` of `en-GB`. */
export function primaryLanguage(tag: string): string {
  return tag.toLowerCase().split('-')[0] ?? '';
}

/** @throws ServiceError `BAD_USER_INPUT` with what to change. */
export function checkSessionRequest(request: SessionRequest, languages: readonly string[]): void {
  const { externalId, title, language, audioFormat, speakers, metadata } = request;
  const { sampleRate, channels } = audioFormat;
  if (externalId !== null && (externalId.length === 0 || externalId.length > MAX_EXTERNAL_ID_LENGTH)) {
    refuse(`externalId must have 1 to ${MAX_EXTERNAL_ID_LENGTH} characters.`);
  }
  checkTitle(title);
  // The column of a database takes it for a number of its own, of which it keeps 15 digits.
  if (typeof metadata === 'number') refuse('metadata can’t be a number alone: put it into an object.');
  if (isDeeper(metadata, MAX_METADATA_DEPTH)) {
    refuse(`metadata may be nested ${MAX_METADATA_DEPTH} levels deep at most.`);
  }
  if (hasLoneSurrogate(metadata)) refuse('metadata has half of a character in it: send well-formed Unicode.');
  if (Buffer.byteLength(JSON.stringify(metadata ?? null)) > MAX_METADATA_BYTES) {
    refuse(`metadata may have ${MAX_METADATA_BYTES} bytes of JSON at most.`);
  }
  if (!languages.includes(primaryLanguage(language))) {
    refuse(`The language "${language.slice(0, 35)}" is not supported; supported: ${languages.join(', ')}.`);
  }
  if (!Number.isInteger(sampleRate) || sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE) {
    refuse(`sampleRate must be a whole number from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz.`);
  }
  if (!Number.isInteger(channels) || channels < 1 || channels > MAX_CHANNELS) {
    refuse(`channels must be 1 to ${MAX_CHANNELS}: mix some of them, or start a session for each pair.`);
  }
  checkSpeakers(speakers, channels);
}

/** @throws ServiceError `BAD_USER_INPUT` with what to change. */
export function checkTitle(title: string | null): void {
  if (title === null || title.length <= MAX_TITLE_LENGTH) return;
  refuse(`title may have ${MAX_TITLE_LENGTH} characters at most.`);
}

function checkSpeakers(speakers: readonly (string | null)[], channels: number): void {
  if (speakers.length > channels) {
    refuse(`speakers may have one name for each channel, ${channels} here, not ${speakers.length}.`);
  }
  for (const name of speakers) if (name !== null) checkSpeakerName(name);
}

/** @throws ServiceError `BAD_USER_INPUT` with what to change. */
export function checkSpeakerName(name: string): void {
  if (!hasVisible(name) || name.length > MAX_SPEAKER_LENGTH) {
    refuse(`A speaker's name must have 1 to ${MAX_SPEAKER_LENGTH} characters; null when it is not known.`);
  }
  if (/[\p{Cc}\p{Surrogate}\u2028\u2029]/u.test(name)) {
    refuse("A speaker's name must be well-formed Unicode on one line, without control characters.");
  }
}

/** There is something to see: more than white space, and characters that only say how others are written. */
export function hasVisible(text: string): boolean {
  return /[^\s\p{Cf}]/u.test(text);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

/** Half of a character beyond U+FFFF: JavaScript's strings may have it, and what reads JSON elsewhere refuses it. */
function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some((entry) => entry.some(hasLoneSurrogate));
}

function refuse(message: string): never {
  throw new ServiceError('BAD_USER_INPUT', message);
}
