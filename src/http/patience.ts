/** How often it is looked whether something moves, in parts of the limit. */
const LOOKS_PER_LIMIT = 4;

/**
 * Calls `onStuck` once when something has been waiting at the same place for `limitMs`, or up to a quarter longer. Looks are
 * counted, not time: a process that was stopped for a while must not find all its clients late.
 *
 * @param place what the oldest that waits waits behind, for example how many have left before it; `null` when nothing waits
 * @returns stops looking
 */
export function watchForStuck(limitMs: number, place: () => number | null, onStuck: () => void): () => void {
  let lastPlace: number | null = null;
  let looks = 0;
  const timer = setInterval(() => {
    const here = place();
    looks = here !== null && here === lastPlace ? looks + 1 : 0;
    lastPlace = here;
    if (looks < LOOKS_PER_LIMIT) return;
    clearInterval(timer);
    onStuck();
  }, limitMs / LOOKS_PER_LIMIT);
  return () => clearInterval(timer);
}
