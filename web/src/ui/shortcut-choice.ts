import { keep, readKept } from './kept.ts';

const KEPT = 'shortcuts';

/** Whether single keys do something: those who dictate, or press keys by chance, can turn them off (WCAG 2.1.4). */
export function areShortcutsOn(): boolean {
  return readKept(KEPT) !== 'off';
}

export function turnShortcuts(areOn: boolean): void {
  keep(KEPT, areOn ? null : 'off');
}
