import { describe, expect, it } from 'vitest';
import { SessionFollower } from '../../web/src/session/session-follower.ts';
import { Gate } from '../support/gate.ts';
import { until } from '../support/wait.ts';
import { clientThat, type Answer } from './web-session-fixtures.ts';

const RUNNING = { data: { session: { id: 'a', status: 'ACTIVE', speakers: [null] } } };
const OVER = { data: { session: { id: 'a', status: 'COMPLETED', speakers: [null] } } };

function final(sequence: number, text: string) {
  return { id: `${text} ${sequence}`, sequence, kind: 'FINAL', text, channel: 0, cursor: `after ${sequence}` };
}

function pageOf(...finals: ReturnType<typeof final>[]) {
  const pageInfo = { hasNextPage: false, endCursor: null };
  return { data: { session: { segments: { edges: finals.map((node) => ({ node })), pageInfo } } } };
}

/** Answers each question with the next of its answers, the last one again and again. */
function inTurn(answers: Readonly<Record<string, readonly (readonly Answer[])[]>>) {
  const asked: { readonly name: string; readonly variables: Readonly<Record<string, unknown>> }[] = [];
  const { client, open } = clientThat(async function* (name, variables) {
    const turn = asked.filter((question) => question.name === name).length;
    asked.push({ name, variables });
    const mine = answers[name] ?? [];
    yield* mine[Math.min(turn, mine.length - 1)] ?? [];
    // A subscription stays open.
    if (mine.length === 0) await new Gate().opened;
  });
  const follower = new SessionFollower(client, 'a', { firstRetryMs: 2, lookAgainMs: 2 });
  const phases: string[] = [];
  follower.subscribe(() => {
    const { phase } = follower.get();
    if (phases.at(-1) !== phase) phases.push(phase);
  });
  const texts = () => follower.transcript.get().finals.map(({ text }) => text);
  return { follower, phases, texts, asked, open };
}

describe('a session that somebody looks at', () => {
  it('is followed on when the server is short of something for a while', async () => {
    const { follower, phases, texts } = inTurn({
      Session: [[RUNNING], [{ code: 'DATABASE_UNAVAILABLE' }], [OVER]],
      SegmentAdded: [[{ data: { segmentAdded: final(1, 'alpha') } }, { code: 'INTERNAL_SERVER_ERROR' }]],
      Segments: [[{ code: 'OVERLOADED' }], [pageOf(final(2, 'bravo'))]],
    });
    const leave = follower.open();
    await until(() => follower.get().phase === 'whole' && texts().length === 2);
    expect(texts()).toEqual(['alpha', 'bravo']);
    expect(phases).toEqual(['live', 'reconnecting', 'loading', 'reconnecting', 'loading', 'whole']);
    leave();
  });

  it('says so when it cannot be loaded at first', async () => {
    const { follower } = inTurn({ Session: [[{ code: 'DATABASE_UNAVAILABLE' }]] });
    const leave = follower.open();
    await until(() => follower.get().phase === 'failed');
    expect(follower.get().error).toBe('Refused');
    leave();
  });

  it('is missing once it is deleted', async () => {
    const { follower } = inTurn({ Session: [[RUNNING]], SegmentAdded: [[{ code: 'NOT_FOUND' }]] });
    const leave = follower.open();
    await until(() => follower.get().phase === 'missing');
    expect(follower.get().session).toBeNull();
    leave();
  });

  it('is shown from its first word when the server was put back to before the last one', async () => {
    const { follower, texts, asked } = inTurn({
      Session: [[RUNNING], [RUNNING], [RUNNING], [OVER]],
      SegmentAdded: [
        [{ data: { segmentAdded: final(1, 'alpha') } }, { data: { segmentAdded: final(2, 'bravo') } }, 'lost'],
        [{ code: 'BAD_USER_INPUT' }],
        [{ data: { segmentAdded: final(1, 'again') } }, 'lost'],
      ],
      Segments: [[pageOf()]],
    });
    const leave = follower.open();
    await until(() => follower.get().phase === 'whole' && texts().length === 1);
    expect(texts()).toEqual(['again']);
    const from = asked.filter(({ name }) => name === 'SegmentAdded').map(({ variables }) => variables);
    expect(from).toEqual([
      { id: 'a', after: null, fromStart: true },
      { id: 'a', after: 'after 2', fromStart: false },
      { id: 'a', after: null, fromStart: true },
    ]);
    leave();
  });

  it('is followed again when it goes on after an end for idleness', async () => {
    const idle = { data: { session: { id: 'a', status: 'COMPLETED', endReason: 'IDLE_TIMEOUT', speakers: [null] } } };
    const { follower, phases, texts } = inTurn({
      Session: [[idle], ['lost'], [idle], [RUNNING], [RUNNING], [OVER]],
      SegmentAdded: [[{ data: { segmentAdded: final(2, 'bravo') } }, 'lost']],
      Segments: [[pageOf(final(1, 'alpha'))], [pageOf()]],
    });
    const leave = follower.open();
    await until(() => phases.length > 3 && follower.get().phase === 'whole');
    expect(phases).toEqual(['loading', 'whole', 'live', 'reconnecting', 'loading', 'whole']);
    await until(() => texts().length === 2);
    expect(texts()).toEqual(['alpha', 'bravo']);
    leave();
  });

  it('is followed once, however often that is begun, and not after it was left', async () => {
    const { follower, open, asked } = inTurn({ Session: [[RUNNING]] });
    follower.open();
    await until(() => open() === 2);
    const leave = follower.open();
    await until(() => asked.filter(({ name }) => name === 'SegmentAdded').length === 2);
    expect(open()).toBe(2);
    leave();
    await until(() => open() === 0);
  });
});
