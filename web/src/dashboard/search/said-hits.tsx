import { useMemo, useRef } from 'react';
import { WindowVirtualizer, type WindowVirtualizerHandle } from 'virtua';
import { Link } from 'wouter';
import { piecesOf, type Stretch } from '../../transcript/marks.ts';
import { voiceOf } from '../../transcript/segments.ts';
import { clock, dateTime, isoDuration, nameOf } from '../../ui/words.ts';
import { excerptOf } from './excerpt.ts';
import type { Said } from './said-list.ts';

/** So many rows before the end of what is loaded, the next page is asked for. */
const AHEAD = 20;
const ROW_PX = 76;

interface SaidHitsProps {
  readonly said: readonly Said[];
  readonly onNearEnd: () => void;
}

/** The moments in which it was said, by recording: each a link to where it is heard. */
export function SaidHits({ said, onNearEnd }: SaidHitsProps) {
  const view = useRef<WindowVirtualizerHandle>(null);
  const rows = useMemo(() => rowsOf(said), [said]);
  const look = () => {
    const handle = view.current;
    if (handle === null) return;
    if (handle.findItemIndex(handle.scrollOffset + handle.viewportSize) + AHEAD >= rows.length) onNearEnd();
  };
  return (
    <WindowVirtualizer ref={view} as="ul" item="li" data={rows} itemSize={ROW_PX} onScroll={look} onResize={look}>
      {(row) =>
        row.isHead ? (
          <SaidIn key={`in ${row.said.node.id}`} said={row.said} />
        ) : (
          <Moment key={row.said.node.id} said={row.said} />
        )
      }
    </WindowVirtualizer>
  );
}

interface Row {
  readonly said: Said;
  /** It tells the recording that the next rows are of. */
  readonly isHead: boolean;
}

/** The list has the moments of a recording one after the other. */
function rowsOf(said: readonly Said[]): Row[] {
  return said.flatMap((hit, index) => {
    const isNext = said[index - 1]?.node.session.id !== hit.node.session.id;
    return isNext
      ? [
          { said: hit, isHead: true },
          { said: hit, isHead: false },
        ]
      : [{ said: hit, isHead: false }];
  });
}

function SaidIn({ said }: { readonly said: Said }) {
  const { session } = said.node;
  return (
    <div className="said-in">
      <h3 className="anywhere">{nameOf(session)}</h3>
      <time dateTime={session.createdAt}>{dateTime(session.createdAt)}</time>
    </div>
  );
}

/** The moment on the page of its session, where the word is marked. */
function placeOf({ session, text, startMs }: Said['node'], found: Stretch | undefined): string {
  const words = found === undefined ? '' : `?q=${encodeURIComponent(text.slice(found.start, found.end))}`;
  return `/sessions/${encodeURIComponent(session.id)}${words}#t=${startMs / 1_000}`;
}

function Moment({ said: { node, highlights } }: { readonly said: Said }) {
  const { text, hits } = excerptOf(node.text, highlights);
  const voice = voiceOf(node, node.session.audioFormat.channels);
  return (
    <Link href={placeOf(node, highlights[0])} className="said-moment" data-result="">
      <time className="figures" dateTime={isoDuration(node.startMs)}>
        {clock(node.startMs)}
      </time>
      <span>
        {voice !== null && <span className="voice">{voice}</span>}
        {piecesOf(text, { hits, current: null, unsure: [] }).map((piece, index) =>
          piece.isHit ? <mark key={index}>{piece.text}</mark> : piece.text,
        )}
      </span>
    </Link>
  );
}
