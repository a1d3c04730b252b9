import { PencilIcon } from 'lucide-react';
import { memo, useState, type ReactNode } from 'react';
import { clock, isoDuration } from '../ui/words.ts';
import { InterimText } from './interim-text.tsx';
import { piecesOf, unsureStretches, type Hit, type Piece } from './marks.ts';
import { voiceOf, type ShownSegment } from './segments.ts';

interface SegmentViewProps {
  readonly segment: ShownSegment;
  readonly channels: number;
  readonly hits: readonly Hit[];
  readonly current: Hit | null;
  readonly marksUnsure: boolean;
  /** What people can do with finals; `null`: nothing. */
  readonly tools: SegmentTools | null;
  /** Its text is being changed. */
  readonly isOpen: boolean;
  /** There is a sound to go to. */
  readonly canBePlayed: boolean;
}

/** The same object for all segments. What is shown for them is loaded when it is needed. */
export interface SegmentTools {
  readonly onEdit: (id: string) => void;
  readonly onAskSpeaker: (segment: ShownSegment) => void;
  readonly editor: (segment: ShownSegment) => ReactNode;
  readonly original: (segment: ShownSegment) => ReactNode;
}

const NONE: readonly never[] = [];

/** One segment of a transcript: when, who, and what. */
export const SegmentView = memo(({ segment, channels, tools, isOpen, canBePlayed, ...marks }: SegmentViewProps) => {
  const [showsOriginal, setShowsOriginal] = useState(false);
  const voice = voiceOf(segment, channels);
  const usable = segment.kind === 'FINAL' ? tools : null;
  const isEdited = (segment.originalText ?? null) !== null;
  return (
    <div className="segment" data-kind={segment.kind} data-segment={segment.id}>
      <div className="segment-side">
        {canBePlayed ? (
          // The player listens for all of them.
          <button type="button" className="moment" title="Go to this moment of the recording">
            <Moment ms={segment.startMs} />
          </button>
        ) : (
          <Moment ms={segment.startMs} />
        )}
        {isEdited && usable !== null && (
          <button
            type="button"
            className="edited"
            title="Show what was heard"
            aria-expanded={showsOriginal}
            onClick={() => setShowsOriginal(!showsOriginal)}
          >
            edited
          </button>
        )}
      </div>
      <div className="segment-said">
        {voice !== null && <Voice name={voice} onAsk={usable && (() => usable.onAskSpeaker(segment))} />}
        {isOpen && usable !== null ? usable.editor(segment) : <SegmentText segment={segment} {...marks} />}
        {isEdited && showsOriginal && usable?.original(segment)}
      </div>
      {usable !== null && !isOpen && (
        <button
          type="button"
          className="icon-button segment-edit"
          aria-label={`Edit what was said at ${clock(segment.startMs)}`}
          title="Edit"
          onClick={() => usable.onEdit(segment.id)}
        >
          <PencilIcon aria-hidden size={16} />
        </button>
      )}
    </div>
  );
});

function Voice({ name, onAsk }: { readonly name: string; readonly onAsk: (() => void) | null }) {
  if (onAsk === null) return <span className="voice">{name}</span>;
  return (
    <button type="button" className="voice" title="Say who speaks" aria-haspopup="dialog" onClick={onAsk}>
      {name}
    </button>
  );
}

type TextProps = Pick<SegmentViewProps, 'segment' | 'hits' | 'current' | 'marksUnsure'>;

function SegmentText({ segment, hits, current, marksUnsure }: TextProps) {
  return (
    <p>
      {segment.kind === 'INTERIM' ? (
        <InterimText text={segment.text} stableLength={segment.stableLength} />
      ) : (
        piecesOf(segment.text, {
          hits,
          current,
          unsure: marksUnsure ? unsureStretches(segment.text, segment.words) : NONE,
        }).map((piece, index) => <PieceView key={index} piece={piece} />)
      )}
    </p>
  );
}

function Moment({ ms }: { readonly ms: number }) {
  return (
    <time className="figures" dateTime={isoDuration(ms)}>
      {clock(ms)}
    </time>
  );
}

function PieceView({ piece: { text, isHit, isCurrent, isUnsure } }: { readonly piece: Piece }) {
  if (isHit) return <mark className={classes({ current: isCurrent, unsure: isUnsure })}>{text}</mark>;
  return isUnsure ? <span className="unsure">{text}</span> : text;
}

function classes(flags: Record<string, boolean>): string | undefined {
  return (
    Object.keys(flags)
      .filter((name) => flags[name])
      .join(' ') || undefined
  );
}
