import { keep, readKept } from './kept.ts';

const KEPT = 'shortcuts';
/** Types of input to which letters mean nothing. */
const KEYLESS: readonly string[] = ['range', 'checkbox', 'radio', 'button'];

/** Whether single keys do something: those who dictate, or press keys by chance, can turn them off (WCAG 2.1.4). */
export function areShortcutsOn(): boolean {
  return readKept(KEPT) !== 'off';
}

export function turnShortcuts(areOn: boolean): void {
  keep(KEPT, areOn ? null : 'off');
}

/** Whether what has the focus takes letters. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  const input = target.closest('input');
  if (input !== null) return !KEYLESS.includes(input.type);
  return target.closest('textarea, select, [contenteditable]') !== null;
}
