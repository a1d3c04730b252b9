import { ArrowDownIcon } from 'lucide-react';
import { useEffect, useImperativeHandle, useMemo, useRef, useState, type ReactNode, type Ref } from 'react';
import { WindowVirtualizer, type WindowVirtualizerHandle } from 'virtua';
import { useFollowing } from '../transcript/use-following.ts';
import { Announcer } from '../transcript/announcer.tsx';
import { findHits, type Hit } from '../transcript/marks.ts';
import { SegmentView, type SegmentTools } from '../transcript/segment-view.tsx';
import type { TranscriptStore } from '../transcript/transcript-store.ts';
import { keep, readKept } from '../ui/kept.ts';
import { useStore } from '../ui/store.ts';
import { TranscriptSearch } from './transcript-search.tsx';
import { useLinkedMoment } from './use-linked-moment.ts';

const MARKS = 'unsure-words';

interface TranscriptPanelProps {
  readonly transcript: TranscriptStore;
  readonly channels: number;
  readonly isLive: boolean;
  /** What stands there when there is no text. */
  readonly empty: ReactNode;
  readonly tools: SegmentTools;
  /** Ids of the segments whose text is being changed. */
  readonly openIds: ReadonlySet<string>;
  /** Its segments have a sound to go to. */
  readonly canBePlayed: boolean;
  readonly ref?: Ref<TranscriptPlace>;
}

/** Where a transcript is shown, for who points at what is in it. */
export interface TranscriptPlace {
  /** Has the segments that are near what is in sight: elements with `data-segment`. */
  readonly content: HTMLElement;
  /** @param index of a final */
  showSegment(index: number, isSmooth: boolean): void;
}

/** A whole transcript to read and to search, however long it is. */
export function TranscriptPanel({
  transcript,
  channels,
  isLive,
  empty,
  tools,
  openIds,
  canBePlayed,
  ref,
}: TranscriptPanelProps) {
  const { finals, interims } = useStore(transcript);
  const [marksUnsure, setMarksUnsure] = useState(() => readKept(MARKS) !== 'off');
  // Whoever comes from a search finds its words marked.
  const [wanted, setWanted] = useState(() => new URLSearchParams(location.search).get('q') ?? '');
  const [current, setCurrent] = useState(0);
  const view = useRef<WindowVirtualizerHandle>(null);
  const { content, isFollowing, jumpToEnd } = useFollowing(isLive && openIds.size === 0);
  const hits = useMemo(() => findHits(finals, wanted), [finals, wanted]);
  const hitsBySegment = useMemo(() => Map.groupBy(hits, ({ segment }) => segment), [hits]);
  const currentHit = hits[current] ?? null;
  const segments = useMemo(() => [...finals, ...interims], [finals, interims]);

  useImperativeHandle(ref, () => {
    if (content.current === null) throw new Error('The transcript has no element');
    return {
      content: content.current,
      showSegment: (index, smooth) => view.current?.scrollToIndex(index, { align: 'center', smooth }),
    };
  }, [content]);

  useLinkedMoment(finals, !canBePlayed, (index) => view.current?.scrollToIndex(index, { align: 'center' }));

  const look = (index: number) => {
    setCurrent(index);
    const hit = hits[index];
    if (hit !== undefined) view.current?.scrollToIndex(hit.segment, { align: 'center' });
  };
  useEffect(() => {
    if (wanted !== '') look(0);
    // Looks anew for other words, not for each segment that comes.
  }, [wanted]);
  const toggleMarks = (on: boolean) => {
    keep(MARKS, on ? null : 'off');
    setMarksUnsure(on);
  };

  return (
    <section aria-label="Transcript" className="transcript">
      <div className="toolbar">
        <TranscriptSearch
          wanted={wanted}
          count={hits.length}
          current={current}
          onWanted={setWanted}
          onStep={(step) => look((current + step + hits.length) % Math.max(1, hits.length))}
        />
        <label className="toggle">
          <input type="checkbox" checked={marksUnsure} onChange={({ target }) => toggleMarks(target.checked)} />
          Mark <span className="unsure">unsure</span> words
        </label>
      </div>
      {segments.length === 0 && empty}
      <div ref={content} className="segments">
        <WindowVirtualizer ref={view} data={segments}>
          {(segment, index) => (
            <SegmentView
              key={segment.id}
              segment={segment}
              channels={channels}
              hits={hitsBySegment.get(index) ?? NONE}
              current={currentHit?.segment === index ? currentHit : null}
              marksUnsure={marksUnsure}
              tools={tools}
              isOpen={openIds.has(segment.id)}
              canBePlayed={canBePlayed}
            />
          )}
        </WindowVirtualizer>
      </div>
      {isLive && <Announcer finals={finals} />}
      {isLive && !isFollowing && (
        <button type="button" className="button jump" onClick={jumpToEnd}>
          <ArrowDownIcon aria-hidden size={16} /> Jump to live
        </button>
      )}
    </section>
  );
}

const NONE: readonly Hit[] = [];
