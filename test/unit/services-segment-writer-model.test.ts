import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DatabaseUnavailableError } from '../../src/database/store-errors.ts';
import { SegmentWriter } from '../../src/services/segment-writer.ts';
import { countWords } from '../../src/services/statistics.ts';
import { newSession, useTemporaryDatabase } from './database-fixtures.ts';
import { finalEntry, openSession, recordingLogger, SECOND, storeWith } from './segment-writer-fixtures.ts';

type Step =
  | { readonly kind: 'finals'; readonly confidences: readonly (number | null)[] }
  | { readonly kind: 'silence' }
  /** The writer commits what there is, as it does when a batch's time has come. */
  | { readonly kind: 'flush' }
  /** The server stops in the middle of what it does, and starts again. */
  | { readonly kind: 'restart' };

/** What happens to a commit: it works, it fails, or it works and its answer is lost. */
type Fate = 'works' | 'fails before' | 'fails after';

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('finals' as const),
      confidences: fc.array(fc.option(fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('silence' as const, 'flush' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

const plan = fc.record({
  steps: fc.array(step, { maxLength: 12 }),
  fates: fc.array(fc.constantFrom<Fate>('works', 'fails before', 'fails after'), { maxLength: 30 }),
  batchSize: fc.integer({ min: 1, max: 6 }),
  ends: fc.boolean(),
});

describe('the segment writer, whatever happens', () => {
  const database = useTemporaryDatabase();
  let run = 0;

  /** Carries a plan out; resolves when all is committed, with what should be there. */
  async function carryOut(
    id: string,
    {
      steps,
      fates,
      batchSize,
      ends,
    }: { steps: readonly Step[]; fates: readonly Fate[]; batchSize: number; ends: boolean },
  ) {
    const { store, file } = database();
    await store.createSession(newSession(id));
    const remaining = [...fates];
    const faulty = storeWith(store, async (batch, commit) => {
      const fate = remaining.shift();
      if (fate === 'fails before') throw new DatabaseUnavailableError('away');
      const outcome = await commit(batch);
      if (fate === 'fails after') throw new DatabaseUnavailableError('the answer was lost');
      return outcome;
    });
    const settings = { batchSize, batchIntervalMs: 5, retryPauses: { firstMs: 1, longestMs: 4 } };
    const start = async () => {
      const session = await openSession(store, path.dirname(file), id);
      const writer = new SegmentWriter(faulty, settings, recordingLogger().logger);
      await writer.follow(session);
      return { session, writer };
    };
    let { session, writer } = await start();
    const expected: { sequence: number; text: string; avg_confidence: number | null }[] = [];
    const place = () => ({
      decidedSample: (expected.length + 1) * SECOND,
      resume: { readFromFrame: 0, state: null },
    });
    for (const current of steps) {
      if (current.kind === 'finals') {
        for (const confidence of current.confidences) {
          const entry = finalEntry(expected.length + 1, { confidence });
          expected.push({ sequence: entry.sequence, text: entry.text, avg_confidence: confidence });
          await session.append(entry);
          writer.noteFinal(session);
        }
      } else if (current.kind === 'silence') {
        await session.append({ type: 'silence', speechSamples: 0, channel: 0, ...place() });
      } else if (current.kind === 'flush') {
        await writer.flush(session);
      } else {
        await writer.stop();
        await session.close();
        ({ session, writer } = await start());
      }
    }
    if (ends) await session.append({ type: 'ended', reason: 'CLIENT', at: new Date(0).toISOString(), ...place() });
    await writer.flush(session);
    // An empty journal is followed to its end by a checkpoint of 0.
    const journalEnd = session.state.resume === null ? 0 : session.journal.durableEnd;
    await writer.stop();
    await session.close();
    return { expected, journalEnd };
  }

  it('stores each final once, moves the checkpoint to the journal’s end, and has statistics that follow from the rows', async () => {
    const { other, store } = database();
    await fc.assert(
      fc.asyncProperty(plan, async (given) => {
        run += 1;
        const id = `session ${run}`;
        const { expected, journalEnd } = await carryOut(id, given);

        const rows = other
          .prepare<
            [string],
            { sequence: number; text: string; avg_confidence: number | null; start_ms: number; end_ms: number }
          >(
            'SELECT sequence, text, avg_confidence, start_ms, end_ms FROM segments WHERE session_id = ? ORDER BY sequence',
          )
          .all(id);
        expect(rows.map(({ sequence, text, avg_confidence }) => ({ sequence, text, avg_confidence }))).toEqual(
          expected,
        );

        const confidences = rows.flatMap(({ avg_confidence }) => (avg_confidence === null ? [] : [avg_confidence]));
        const durationMs = (rows.at(-1)?.end_ms ?? 0) - (rows.at(0)?.start_ms ?? 0);
        const stored = await store.findSession(id);
        expect(stored).toMatchObject({
          journalPosition: journalEnd,
          status: given.ends ? 'COMPLETED' : 'ACTIVE',
          statistics: {
            totalSegments: rows.length,
            totalDuration: durationMs / 1000,
            wordCount: rows.reduce((sum, { text }) => sum + countWords(text), 0),
            speakingDuration: rows.reduce((sum, row) => sum + row.end_ms - row.start_ms, 0) / 1000,
          },
        });
        const average = stored?.statistics.averageConfidence ?? null;
        expect(average === null).toBe(confidences.length === 0);
        expect((average ?? 0) * confidences.length).toBeCloseTo(
          confidences.reduce((sum, confidence) => sum + confidence, 0),
          9,
        );
        expect(other.prepare('SELECT confidence_count FROM sessions WHERE id = ?').pluck().get(id)).toBe(
          confidences.length,
        );
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
