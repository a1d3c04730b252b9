import { useState } from 'react';
import type { ShownSegment } from './segments.ts';

/** Nobody listens to all that is caught up with at once. */
const MOST = 3;

/** Tells screen readers each final once, and no interim: those change too often to be listened to. */
export function Announcer({ finals }: { readonly finals: readonly ShownSegment[] }) {
  const { length } = finals;
  const [told, setTold] = useState({ from: length, to: length });
  if (length !== told.to) setTold({ from: Math.max(Math.min(told.to, length), length - MOST), to: length });
  const news = finals.slice(told.from, told.to);
  return (
    <p className="visually-hidden" aria-live="polite" aria-atomic="true" data-testid="announcer">
      {/* A new element each time: the same words may be said again. */}
      <span key={told.to}>{news.map(({ text }) => text).join(' ')}</span>
    </p>
  );
}
