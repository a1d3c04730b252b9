import type { Segment, SessionRecord, Word } from '../database/session-records.ts';
import { timelineMs, type RecognisedWord, type Transcript } from '../recognition/recogniser.ts';
import type { FinalEntry } from './journal-entry.ts';
import type { StableDraft } from './stable-prefix.ts';

/**
 * The id of the utterance that starts at this sample: the same for its interims, its final, and the same after a recovery.
 */
function segmentId(sessionId: string, channel: number, startSample: number): string {
  return `${sessionId}.${channel}.${startSample}`;
}

/** The session that a segment's id names, or `null` when it is no such id. */
export function sessionIdOfSegment(id: string): string | null {
  return /^(.+)\.\d+\.\d+$/u.exec(id)?.[1] ?? null;
}

/** What a segment has of its session. */
type Session = Pick<SessionRecord, 'id' | 'speakers'>;

export function finalSegment(session: Session, entry: FinalEntry): Segment {
  return {
    ...segmentOf(session, entry),
    kind: 'FINAL',
    sequence: entry.sequence,
    createdAt: new Date(entry.createdAt),
  };
}

export function interimSegment(session: Session, { transcript, stableLength }: StableDraft, createdAt: Date): Segment {
  return { ...segmentOf(session, transcript), kind: 'INTERIM', sequence: null, stableLength, createdAt };
}

function segmentOf(session: Session, transcript: Transcript) {
  return {
    id: segmentId(session.id, transcript.channel, transcript.startSample),
    sessionId: session.id,
    revision: transcript.revision,
    text: transcript.text,
    startMs: timelineMs(transcript.startSample),
    endMs: timelineMs(transcript.endSample),
    avgConfidence: transcript.confidence,
    words: transcript.words.map(wordOf),
    speaker: session.speakers[transcript.channel] ?? null,
    channel: transcript.channel,
  };
}

function wordOf(word: RecognisedWord): Word {
  return {
    text: word.text,
    startMs: word.startSample === null ? null : timelineMs(word.startSample),
    endMs: word.endSample === null ? null : timelineMs(word.endSample),
    confidence: word.confidence,
  };
}
