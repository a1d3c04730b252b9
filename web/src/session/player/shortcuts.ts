import { areShortcutsOn, isTyping, turnShortcuts } from '../../ui/shortcut-keys.ts';
import { Store } from '../../ui/store.ts';
import type { Playback } from './playback.ts';

const SECOND_MS = 1_000;

export const KEYS = [
  { keys: ['Space', 'K'], does: 'Play or pause' },
  { keys: ['←', '→'], does: 'Back or ahead 5 seconds' },
  { keys: ['J', 'L'], does: 'Back or ahead 10 seconds' },
  { keys: ['<', '>'], does: 'Slower or faster' },
  { keys: ['/'], does: 'Search the transcript' },
  { keys: ['?'], does: 'Show these keys' },
] as const;

/** What single keys do, unless somebody has turned them off. */
export class Shortcuts extends Store<{ readonly areOn: boolean }> {
  constructor() {
    super({ areOn: areShortcutsOn() });
  }

  turn(areOn: boolean): void {
    turnShortcuts(areOn);
    this.set({ areOn });
  }

  /** @returns what ends it */
  listen(playback: Playback, showHelp: () => void): () => void {
    const actions: Record<string, () => void> = {
      ' ': () => playback.toggle(),
      k: () => playback.toggle(),
      j: () => playback.skip(-10 * SECOND_MS),
      l: () => playback.skip(10 * SECOND_MS),
      ArrowLeft: () => playback.skip(-5 * SECOND_MS),
      ArrowRight: () => playback.skip(5 * SECOND_MS),
      '<': () => playback.changeSpeed(-1),
      '>': () => playback.changeSpeed(1),
      '?': showHelp,
    };
    const press = (event: KeyboardEvent) => {
      const { key, target, ctrlKey, metaKey, altKey, shiftKey } = event;
      const action = actions[key.length === 1 ? key.toLowerCase() : key];
      if (action === undefined || !this.get().areOn || event.defaultPrevented || ctrlKey || metaKey || altKey) return;
      // With the shift key, space pages back and arrows select.
      if (shiftKey && !['<', '>', '?'].includes(key)) return;
      if (document.querySelector('dialog[open]') !== null || isMeantFor(target, key)) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }
}

/** Whether what has the focus does something with this key itself. */
function isMeantFor(target: EventTarget | null, key: string): boolean {
  if (isTyping(target)) return true;
  if (!(target instanceof Element)) return false;
  if (key.startsWith('Arrow')) return target.closest('input[type=range], input[type=radio]') !== null;
  return key === ' ' && target.closest('button, summary, input[type=checkbox], input[type=radio]') !== null;
}
