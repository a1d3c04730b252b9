// Links to a moment: `#t=83.4`, in seconds, as media fragments have it (https://www.w3.org/TR/media-frags/#naming-time).

/** @returns milliseconds; `null` when the link leads to no moment */
export function momentOf(hash: string): number | null {
  const found = /^#t=(\d{1,6}(?:\.\d{1,6})?)$/u.exec(hash);
  return found?.[1] === undefined ? null : Math.round(Number(found[1]) * 1_000);
}

/** @param page its address, with or without a moment */
export function linkTo(page: string, ms: number): string {
  const link = new URL(page);
  link.hash = `t=${(ms / 1_000).toFixed(1)}`;
  return link.href;
}
