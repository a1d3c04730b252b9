import type { KeyboardEvent } from 'react';

const RESULTS = 'a[data-result]';

/** Lets the arrows go from the field to the results, from one to the next, and back. */
export function moveAmongResults(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !(event.target instanceof Element)) return;
  const field = event.currentTarget.querySelector<HTMLElement>('input[type=search]');
  const results = [...event.currentTarget.querySelectorAll<HTMLElement>(RESULTS)];
  const current = event.target.closest<HTMLElement>(RESULTS);
  if (current === null && event.target !== field) return;
  const places = [field, ...results];
  const next = places[places.indexOf(current ?? field) + (event.key === 'ArrowDown' ? 1 : -1)];
  if (next === undefined || next === null) return;
  event.preventDefault();
  next.focus();
}
