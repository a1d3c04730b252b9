import { useEffect, useRef, type RefObject } from 'react';
import { areShortcutsOn, isTyping } from './shortcut-keys.ts';

/** For the search field of a page, to which `/` leads from wherever nothing is typed or asked, unless single keys are turned off. */
export function useSlashFocus(): RefObject<HTMLInputElement | null> {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const { key, target, ctrlKey, metaKey, altKey } = event;
      if (key !== '/' || ctrlKey || metaKey || altKey || !areShortcutsOn() || isTyping(target)) return;
      if (document.querySelector('dialog[open]') !== null) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);
  return input;
}
