import { memo } from 'react';
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
}

const NONE: readonly never[] = [];

/** One segment of a transcript: when, who, and what. */
export const SegmentView = memo(({ segment, channels, hits, current, marksUnsure }: SegmentViewProps) => {
  const voice = voiceOf(segment, channels);
  return (
    <div className="segment" data-kind={segment.kind}>
      <time className="figures" dateTime={isoDuration(segment.startMs)}>
        {clock(segment.startMs)}
      </time>
      <div>
        {voice !== null && <span className="voice">{voice}</span>}
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
      </div>
    </div>
  );
});

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
