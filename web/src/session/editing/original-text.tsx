import { useRef } from 'react';
import type { ShownSegment } from '../../transcript/segments.ts';
import { Failure, useAttempt } from '../../ui/attempt.tsx';
import { useUpdateSegment } from './edit-mutations.ts';

interface OriginalTextProps {
  readonly segment: ShownSegment;
  readonly onChanged: (segment: ShownSegment) => void;
}

/** What the recogniser wrote of a segment that was changed since. */
export function OriginalText({ segment, onChanged }: OriginalTextProps) {
  const update = useUpdateSegment(onChanged);
  const box = useRef<HTMLDivElement>(null);
  const { failure, run } = useAttempt(
    () => update(segment.id, { text: null }),
    // All that belongs to the edit is about to go.
    () => box.current?.closest('.segment')?.querySelector<HTMLElement>('.segment-edit')?.focus(),
  );
  return (
    <div ref={box} className="original">
      <p>
        <span className="original-label">Heard as</span> {segment.originalText}
      </p>
      <Failure sentence={failure} />
      <button type="button" className="button" onClick={run}>
        Restore original
      </button>
    </div>
  );
}
