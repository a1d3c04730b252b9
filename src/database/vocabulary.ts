import type { AudioEncoding } from '../audio/format.ts';
import type { EndReason, SegmentKind, SessionStatus } from './session-records.ts';

/** Translates between a union of the program and the words that the database holds for it. */
export interface Vocabulary<T extends string> {
  toColumn(value: T): string;
  /** @throws Error when the column holds a word that this version does not know. */
  fromColumn(word: string): T;
}

export const sessionStatuses = vocabulary<SessionStatus>('sessions.status', {
  ACTIVE: 'active',
  FINALIZING: 'finalizing',
  COMPLETED: 'completed',
  FAILED: 'failed',
});

export const endReasons = vocabulary<EndReason>('sessions.end_reason', {
  CLIENT: 'client',
  IDLE_TIMEOUT: 'idle_timeout',
  MAX_DURATION: 'max_duration',
  FAILURE: 'failure',
});

export const segmentKinds = vocabulary<SegmentKind>('segments.kind', { INTERIM: 'interim', FINAL: 'final' });

export const audioEncodings = vocabulary<AudioEncoding>('sessions.audio_encoding', {
  PCM_S16LE: 'pcm_s16le',
  PCM_F32LE: 'pcm_f32le',
  MULAW: 'mulaw',
  ALAW: 'alaw',
  WEBM_OPUS: 'webm_opus',
  OGG_OPUS: 'ogg_opus',
  FLAC: 'flac',
  MP3: 'mp3',
  WAV: 'wav',
});

function vocabulary<T extends string>(column: string, words: Record<T, string>): Vocabulary<T> {
  const values = new Map<string, T>();
  for (const value in words) values.set(words[value], value);
  return {
    toColumn: (value) => words[value],
    fromColumn: (word) => {
      const value = values.get(word);
      if (value === undefined)
        throw new Error(`The column ${column} holds "${word}", which this version does not know`);
      return value;
    },
  };
}
