import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/open-database.ts';
import { PrismaSessionStore } from '../../src/database/prisma-session-store.ts';
import type { SegmentChange, SessionStore } from '../../src/database/session-store.ts';
import {
  batch,
  finalSegment,
  interimSegment,
  newSession,
  progress,
  useTemporaryDatabase,
} from './database-fixtures.ts';

const ALL = { afterSequence: 0, beforeSequence: Infinity, limit: 100, fromEnd: false };
const AT = new Date('2026-03-14T10:00:00.000Z');
const CORRECTED = {
  text: 'sentence one',
  words: [{ text: 'sentence', startMs: 1000, endMs: 1400, confidence: 0.9 }],
};

const WAYS = [
  { way: 'in one message to the database', storeOf: ({ store }: Database): SessionStore => store },
  { way: 'through Prisma alone', storeOf: ({ client }: Database): SessionStore => new PrismaSessionStore(client) },
];

function change(segmentId: string, changes: Partial<SegmentChange> = {}): SegmentChange {
  const [sessionId = ''] = segmentId.split(':');
  return { segmentId, sessionId, transcribed: undefined, speaker: undefined, revision: 1, at: AT, ...changes };
}

function progressOf(totalSegments: number) {
  return progress({ statistics: { totalSegments } });
}

const TWO_CHANNELS = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 2 } as const;
const heard = finalSegment('a', 1, { revision: 4 });
const edited = {
  ...heard,
  ...CORRECTED,
  revision: 5,
  edit: { original: { text: heard.text, words: heard.words }, ownSpeaker: null, at: AT },
};
const firstFinal = batch('a', 0, 100, { finals: [heard], session: progressOf(1) });

describe.each(WAYS)('what people change, in rows that are written $way,', ({ storeOf }) => {
  const opened = useTemporaryDatabase();

  it('stands in those that are written later, and again whenever they are written again, but not in a draft', async () => {
    const store = storeOf(opened());
    await store.createSession(newSession('a'));
    await store.editSegment(change(heard.id, { transcribed: CORRECTED, revision: 4 }));
    const draft = interimSegment('a', heard.id);
    await store.commitBatch(batch('a', 0, 50, { interims: [draft] }));
    expect(await store.findSegment(heard.id)).toEqual(draft);
    await store.commitBatch(batch('a', 50, 100, { finals: [heard], session: progressOf(1) }));
    expect(await store.findSegment(heard.id)).toEqual(edited);

    await store.rewindCheckpoint('a', 0);
    // With other drafts than the first time.
    const again = { ...heard, revision: 2, text: 'sentence I' };
    await store.commitBatch(batch('a', 0, 90, { finals: [again], session: progressOf(1) }));
    const original = { text: 'sentence I', words: heard.words };
    expect(await store.findSegment(heard.id)).toEqual({ ...edited, edit: { ...edited.edit, original } });
  });

  it('of a channel’s name is in all its segments, past and future, but for those with a name of their own', async () => {
    const store = storeOf(opened());
    const final = (sequence: number, channel: number) =>
      finalSegment('a', sequence, { channel, speaker: channel === 1 ? 'Ann' : null });
    await store.createSession(newSession('a', { audioFormat: TWO_CHANNELS, speakers: [null, 'Ann'] }));
    const speakers = async () => {
      const [finals = []] = await store.finalsBySequence([{ sessionId: 'a', ...ALL }]);
      return finals.map(({ speaker }) => speaker);
    };
    const finals = [final(1, 0), final(2, 1), final(3, 1)];
    await store.commitBatch(batch('a', 0, 100, { finals, session: progressOf(3) }));
    await store.editSegment(change('a:0:3', { speaker: 'Guest' }));
    expect(await speakers()).toEqual([null, 'Ann', 'Guest']);

    const originalSpeakers = [null, 'Ann'];
    expect(await store.renameSpeaker('a', 1, 'Dr. Ann')).toEqual({ speakers: [null, 'Dr. Ann'], originalSpeakers });
    expect(await speakers()).toEqual([null, 'Dr. Ann', 'Guest']);
    // A batch that was made before the name was changed.
    await store.commitBatch(batch('a', 100, 200, { finals: [final(4, 1)], session: progressOf(4) }));
    expect(await speakers()).toEqual([null, 'Dr. Ann', 'Guest', 'Dr. Ann']);
    expect(await store.findSession('a')).toMatchObject({ speakers: [null, 'Dr. Ann'], originalSpeakers });

    await store.editSegment(change('a:0:3', { speaker: null }));
    expect(await store.renameSpeaker('a', 1, null)).toEqual({ speakers: originalSpeakers, originalSpeakers });
    expect(await speakers()).toEqual([null, 'Ann', 'Ann', 'Ann']);
    expect(await Promise.all([store.renameSpeaker('a', 2, 'Bob'), store.renameSpeaker('b', 0, 'Bob')])).toEqual([
      null,
      null,
    ]);
  });
});

describe('an edit of a segment', () => {
  const opened = useTemporaryDatabase();

  async function storeWithFinal(): Promise<SessionStore> {
    const { store } = opened();
    await store.createSession(newSession('a'));
    await store.commitBatch(firstFinal);
    return store;
  }

  it('is taken back without a trace but the revision, which is never given twice', async () => {
    const store = await storeWithFinal();
    await store.editSegment(change(heard.id, { transcribed: CORRECTED, revision: 4 }));
    expect(await store.findSegment(heard.id)).toEqual(edited);
    await store.editSegment(change(heard.id, { transcribed: null, revision: 5 }));
    expect(await store.findSegment(heard.id)).toEqual({ ...heard, revision: 6 });
    await store.rewindCheckpoint('a', 0);
    await store.commitBatch(firstFinal);
    expect(await store.findSegment(heard.id)).toEqual({ ...heard, revision: 6 });
  });

  it('of the speaker leaves the text alone, and the other way round; of two at a time the last one stands', async () => {
    const store = await storeWithFinal();
    // All of them know the segment as it was at first.
    const edits = await Promise.all([
      store.editSegment(change(heard.id, { transcribed: CORRECTED, revision: 4 })),
      store.editSegment(change(heard.id, { speaker: 'Ann', revision: 4 })),
      store.editSegment(change(heard.id, { speaker: 'Bob', revision: 4 })),
    ]);
    expect(edits.map((edit) => edit?.revision)).toEqual([5, 6, 7]);
    const edit = { ...edited.edit, ownSpeaker: 'Bob' };
    expect(await store.findSegment(heard.id)).toEqual({ ...edited, speaker: 'Bob', revision: 7, edit });
  });

  it('is found among those of its session, goes with it, and comes to nothing without one', async () => {
    const store = await storeWithFinal();
    const finals = [2, 3].map((sequence) => finalSegment('a', sequence));
    await store.commitBatch(batch('a', 100, 200, { finals, session: progressOf(3) }));
    await store.editSegment(change('a:0:2', { speaker: 'Ann' }));
    const [found = []] = await store.finalsBySequence([{ sessionId: 'a', ...ALL, edited: true }]);
    expect(found.map(({ sequence, speaker }) => [sequence, speaker])).toEqual([[2, 'Ann']]);

    await store.deleteSession('a', AT);
    expect(opened().other.prepare('SELECT * FROM segment_edits').all()).toEqual([]);
    expect(await store.editSegment(change(heard.id, { transcribed: CORRECTED }))).toBeNull();
    expect(await store.editsOf('a')).toEqual([]);
  });
});
