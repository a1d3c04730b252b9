import { ArrowDownIcon } from 'lucide-react';
import { memo, type ReactNode } from 'react';
import { Announcer } from '../transcript/announcer.tsx';
import { InterimText } from '../transcript/interim-text.tsx';
import type { ShownSegment } from '../transcript/segments.ts';
import type { TranscriptStore } from '../transcript/transcript-store.ts';
import { useStore } from '../ui/store.ts';
import { useFollowing } from '../transcript/use-following.ts';

/** Finals are drawn in blocks, so that a new one costs the same after hours as in the first minute. */
const BLOCK = 50;

interface CaptionsProps {
  readonly transcript: TranscriptStore;
  /** What stands there as long as nothing was said. */
  readonly children: ReactNode;
}

/** The words as they come, large and calm; the end stays in sight unless the reader looks back. */
export function Captions({ transcript, children }: CaptionsProps) {
  const { finals, interims } = useStore(transcript);
  const { frame, content, isFollowing, jumpToEnd } = useFollowing();
  const blocks = Math.floor(finals.length / BLOCK) + 1;
  const isEmpty = finals.length + interims.length === 0;
  return (
    <div className="captions-frame">
      <div className="captions" ref={frame} role="region" aria-label="Captions" tabIndex={0}>
        <div className="captions-text" ref={content} data-empty={isEmpty}>
          {isEmpty && children}
          {Array.from({ length: blocks }, (_, index) => (
            <Block key={index} finals={finals} index={index} interims={index === blocks - 1 ? interims : NONE} />
          ))}
        </div>
      </div>
      <Announcer finals={finals} />
      {!isFollowing && (
        <button type="button" className="button jump" onClick={jumpToEnd}>
          <ArrowDownIcon aria-hidden size={16} /> Jump to live
        </button>
      )}
    </div>
  );
}

const NONE: readonly ShownSegment[] = [];

interface BlockProps {
  readonly finals: readonly ShownSegment[];
  readonly index: number;
  readonly interims: readonly ShownSegment[];
}

/** A final takes the place of its interim: both have the same key. */
const Block = memo(
  ({ finals, index, interims }: BlockProps) => (
    <div className="block">
      {[...finals.slice(index * BLOCK, (index + 1) * BLOCK), ...interims].map((segment) => (
        <Caption key={segment.id} segment={segment} />
      ))}
    </div>
  ),
  (before, after) =>
    before.interims === after.interims &&
    countIn(before.finals, before.index) === countIn(after.finals, after.index) &&
    before.finals
      .slice(before.index * BLOCK, (before.index + 1) * BLOCK)
      .every((final, place) => final === after.finals[after.index * BLOCK + place]),
);

function countIn(finals: readonly ShownSegment[], index: number): number {
  return Math.min(Math.max(finals.length - index * BLOCK, 0), BLOCK);
}

const Caption = memo(({ segment }: { readonly segment: ShownSegment }) => (
  <p className="caption" data-kind={segment.kind}>
    {segment.kind === 'FINAL' ? segment.text : <InterimText text={segment.text} stableLength={segment.stableLength} />}
  </p>
));
