import type { ShownSegment } from './segments.ts';

/** What is being spoken: the words that stay are a shade darker than those that may still change. */
export function InterimText({ text, stableLength }: Pick<ShownSegment, 'text' | 'stableLength'>) {
  return (
    <>
      <span className="stable">{text.slice(0, stableLength)}</span>
      <span className="unstable">{text.slice(stableLength)}</span>
    </>
  );
}
