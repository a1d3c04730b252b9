import { Dialog } from '../../ui/dialog.tsx';
import { useStore } from '../../ui/store.ts';
import { KEYS, type Shortcuts } from './shortcuts.ts';

interface HelpDialogProps {
  readonly shortcuts: Shortcuts;
  readonly onClose: () => void;
}

export function HelpDialog({ shortcuts, onClose }: HelpDialogProps) {
  const { areOn } = useStore(shortcuts);
  return (
    <Dialog title="Keys" onClose={onClose} onSubmit={onClose}>
      <dl className="keys">
        {KEYS.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p>Click a word to go there.</p>
      <label className="toggle">
        <input type="checkbox" checked={areOn} onChange={({ target }) => shortcuts.turn(target.checked)} />
        Use these keys
      </label>
      <div className="actions">
        <button className="button primary" autoFocus>
          Close
        </button>
      </div>
    </Dialog>
  );
}
