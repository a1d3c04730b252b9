import type { Segment, SessionRecord } from '../database/session-records.ts';
import { builder } from './builder.ts';

// The two nodes refer to each other, so both names stand here. Their shapes are the domain's, not the tables': a running
// session is ahead of the database, and is read through the session reader.
export const SessionRef = builder.objectRef<SessionRecord>('Session');
export const SegmentRef = builder.objectRef<Segment>('Segment');
