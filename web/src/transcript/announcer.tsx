import type { ShownSegment } from './segments.ts';

/** Tells screen readers each final, and no interim: those change too often to be listened to. */
export function Announcer({ finals }: { readonly finals: readonly ShownSegment[] }) {
  return (
    <p className="visually-hidden" aria-live="polite" aria-atomic="true" data-testid="announcer">
      {finals.at(-1)?.text}
    </p>
  );
}
