import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { flushSync } from 'react-dom';
import type { ShownSegment } from '../../transcript/segments.ts';
import { Failure, useAttempt } from '../../ui/attempt.tsx';
import { clock } from '../../ui/words.ts';
import type { Draft } from './draft.ts';
import { useUpdateSegment } from './edit-mutations.ts';

/** Of a segment's text, in characters: the highest that the server takes. */
const LONGEST_TEXT = 5_000;

interface SegmentEditorProps {
  readonly segment: ShownSegment;
  readonly draft: Draft;
  readonly onChanged: (segment: ShownSegment) => void;
  readonly onAskSpeaker: () => void;
  readonly onClose: () => void;
}

/** The text of a segment, in its own place, to be changed. What was typed stays until it is saved or given up. */
export function SegmentEditor({ segment, draft, onChanged, onAskSpeaker, onClose }: SegmentEditorProps) {
  const { id, originalText = null } = segment;
  const [text, setText] = useState(draft.text);
  const field = useRef<HTMLTextAreaElement>(null);
  const update = useUpdateSegment(onChanged);
  const close = () => {
    const place = field.current?.closest('.segment');
    // Drawn at once, so that what opened the editor is there again to have the focus.
    flushSync(onClose);
    place?.querySelector<HTMLElement>('.segment-edit')?.focus();
  };
  const saving = useAttempt(async () => (text.trim() === segment.text ? null : update(id, { text })), close);
  const restoring = useAttempt(() => update(id, { text: null }), close);

  useEffect(() => {
    const { current } = field;
    if (draft.isBegun) return;
    draft.isBegun = true;
    current?.focus({ preventScroll: true });
    // With its buttons, and no further than need be.
    current?.form?.scrollIntoView({ block: 'nearest' });
    current?.setSelectionRange(current.value.length, current.value.length);
  }, [draft]);
  const type = (typed: string) => {
    draft.text = typed;
    setText(typed);
  };
  const listen = (event: KeyboardEvent) => {
    // Those of the page, such as for the player, are not meant here.
    event.stopPropagation();
    if (event.key === 'Escape') close();
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && text.trim() !== '') saving.run();
  };

  return (
    <form
      className="segment-editor"
      onKeyDown={listen}
      onSubmit={(event) => {
        event.preventDefault();
        saving.run();
      }}
    >
      <div className="growing" data-text={text}>
        <textarea
          ref={field}
          aria-label={`What was said at ${clock(segment.startMs)}`}
          aria-keyshortcuts="Control+Enter Escape"
          rows={1}
          maxLength={LONGEST_TEXT}
          value={text}
          onChange={({ target }) => type(target.value)}
        />
      </div>
      <Failure sentence={saving.failure ?? restoring.failure} />
      <div className="actions">
        <button className="button primary" disabled={text.trim() === ''}>
          Save
        </button>
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
        {originalText !== null && (
          <button type="button" className="button quiet" onClick={restoring.run}>
            Restore original
          </button>
        )}
        <button type="button" className="button quiet" aria-haspopup="dialog" onClick={onAskSpeaker}>
          {segment.speaker === null ? 'Add speaker' : 'Change speaker'}
        </button>
      </div>
    </form>
  );
}
