import { lazy, Suspense, useEffect, useMemo, useState, type ReactNode } from 'react';
import type { SegmentTools } from '../../transcript/segment-view.tsx';
import type { ShownSegment } from '../../transcript/segments.ts';
import type { SessionFollower } from '../session-follower.ts';
import type { SessionFacts } from '../session-queries.ts';
import type { Draft } from './draft.ts';

const SegmentEditor = lazy(async () => ({ default: (await import('./segment-editor.tsx')).SegmentEditor }));
const OriginalText = lazy(async () => ({ default: (await import('./original-text.tsx')).OriginalText }));
const SpeakerDialog = lazy(async () => ({ default: (await import('./speaker-dialog.tsx')).SpeakerDialog }));

interface Editing {
  readonly tools: SegmentTools;
  readonly openIds: ReadonlySet<string>;
  /** What is asked for at this moment, if anything is. */
  readonly dialog: ReactNode;
}

/** Lets people correct the segments of a session, and say who speaks. */
export function useEditing(session: SessionFacts, follower: SessionFollower): Editing {
  const [openIds, setOpenIds] = useState<ReadonlySet<string>>(new Set());
  const [askedId, setAskedId] = useState<string | null>(null);
  const { transcript } = follower;

  const [drafts] = useState(() => new Map<string, Draft>());
  const tools = useMemo((): SegmentTools => {
    const close = (id: string) => {
      drafts.delete(id);
      setOpenIds((ids) => new Set([...ids].filter((other) => other !== id)));
    };
    const draftOf = ({ id, text }: ShownSegment): Draft => {
      const draft = drafts.get(id) ?? { text, isBegun: false };
      drafts.set(id, draft);
      return draft;
    };
    const show = (changed: ShownSegment) => transcript.receive(changed);
    const askSpeaker = ({ id }: ShownSegment) => setAskedId(id);
    return {
      onEdit: (id) => setOpenIds((ids) => new Set([...ids, id])),
      onAskSpeaker: askSpeaker,
      editor: (segment) => (
        <Suspense fallback={<p>{segment.text}</p>}>
          <SegmentEditor
            segment={segment}
            draft={draftOf(segment)}
            onChanged={show}
            onAskSpeaker={() => askSpeaker(segment)}
            onClose={() => close(segment.id)}
          />
        </Suspense>
      ),
      original: (segment) => (
        <Suspense>
          <OriginalText segment={segment} onChanged={show} />
        </Suspense>
      ),
    };
  }, [transcript, drafts]);

  useEffect(() => {
    if (openIds.size === 0) return;
    const ask = (event: BeforeUnloadEvent) => {
      const shown = new Map(transcript.get().finals.map(({ id, text }) => [id, text]));
      if ([...drafts].some(([id, { text }]) => text !== shown.get(id))) event.preventDefault();
    };
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [openIds, transcript, drafts]);

  const asked = askedId === null ? undefined : transcript.get().finals.find(({ id }) => id === askedId);
  const dialog = asked !== undefined && (
    <Suspense>
      <SpeakerDialog session={session} segment={asked} follower={follower} onClose={() => setAskedId(null)} />
    </Suspense>
  );
  return { tools, openIds, dialog };
}
