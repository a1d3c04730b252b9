import { useState } from 'react';
import { Failure, useAttempt } from '../ui/attempt.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { LONGEST_TITLE, nameOf } from '../ui/words.ts';
import { isOver } from './is-over.ts';
import { useDelete, useRename } from './session-mutations.ts';

interface DialogSession {
  readonly id: string;
  readonly title: string | null;
  readonly createdAt: string;
  readonly status: string;
}

interface SessionDialogProps {
  readonly session: DialogSession;
  readonly onClose: () => void;
}

export function RenameDialog({
  session,
  onClose,
  onRenamed,
}: SessionDialogProps & { readonly onRenamed: (title: string | null) => void }) {
  const [title, setTitle] = useState(session.title ?? '');
  const rename = useRename();
  const { isBusy, failure, run } = useAttempt(async () => {
    const named = title.trim() === '' ? null : title.trim();
    const wrong = await rename(session.id, named);
    if (wrong === null) onRenamed(named);
    return wrong;
  }, onClose);
  return (
    <Dialog title="Rename" onClose={onClose} onSubmit={run}>
      <label className="field">
        Title
        <input value={title} maxLength={LONGEST_TITLE} onChange={(event) => setTitle(event.target.value)} />
      </label>
      <Failure sentence={failure} />
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button className="button primary" disabled={isBusy}>
          Save
        </button>
      </div>
    </Dialog>
  );
}

export function DeleteDialog({ session, onClose, onDeleted }: SessionDialogProps & { readonly onDeleted: () => void }) {
  const remove = useDelete();
  const { isBusy, failure, run } = useAttempt(async () => {
    const wrong = await remove(session.id);
    if (wrong === null) onDeleted();
    return wrong;
  }, onClose);
  return (
    <Dialog title="Delete this recording?" onClose={onClose} onSubmit={run}>
      <p>
        <strong className="anywhere">{nameOf(session)}</strong> is deleted for good: its transcript, its sound, and all
        that is known of it. {!isOver(session.status) && 'It is running, and is stopped.'}
      </p>
      <Failure sentence={failure} />
      <div className="actions">
        <button type="button" className="button" onClick={onClose} autoFocus>
          Keep it
        </button>
        <button className="button danger" disabled={isBusy}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}
