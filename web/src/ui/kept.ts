// What the browser keeps for this person between visits. A browser that keeps nothing (a setting, a private window) is no
// error: the value then lasts as long as the page.

/** What could not be written; `null`: what could not be forgotten. */
const fallback = new Map<string, string | null>();

export function readKept(name: string): string | null {
  // Where only writing fails, what is stored is out of date.
  const newer = fallback.get(name);
  if (newer !== undefined) return newer;
  try {
    return localStorage.getItem(`verbatim-${name}`);
  } catch {
    return null;
  }
}

/** @param value `null`: forget it */
export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`verbatim-${name}`);
    else localStorage.setItem(`verbatim-${name}`, value);
    fallback.delete(name);
  } catch {
    fallback.set(name, value);
  }
}
