import DataLoader from 'dataloader';
import type { Segment, SessionRecord } from '../database/session-records.ts';
import type { FinalsRequest, SegmentCounts } from '../database/session-store.ts';
import type { SessionReader } from '../services/session-reader.ts';

/** Joins the single reads of one operation into one. */
export interface Loaders {
  readonly session: DataLoader<string, SessionRecord | null>;
  readonly finals: DataLoader<FinalsRequest, Segment[]>;
  /** What the database has of a session. */
  readonly storedCounts: DataLoader<string, SegmentCounts>;
}

export function createLoaders(reader: SessionReader): Loaders {
  return {
    session: new DataLoader(
      async (ids) => {
        const distinct = [...new Set(ids)];
        const records = await reader.sessions(distinct);
        const byId = new Map(distinct.map((id, index) => [id, records[index] ?? null]));
        return ids.map((id) => byId.get(id) ?? null);
      },
      // Joins reads, keeps nothing: the context of a subscription outlives many states of a session.
      { cache: false },
    ),
    finals: new DataLoader((requests) => reader.finals(requests), { cache: false, maxBatchSize: 100 }),
    storedCounts: new DataLoader((sessionIds) => reader.storedCounts(sessionIds), { cache: false, maxBatchSize: 100 }),
  };
}
