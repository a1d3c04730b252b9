// What the browser keeps for this person between visits. A browser that keeps nothing (a setting, a private window) is no
// error: the value then lasts as long as the page.

const fallback = new Map<string, string>();

export function readKept(name: string): string | null {
  try {
    return localStorage.getItem(`verbatim-${name}`);
  } catch {
    return fallback.get(name) ?? null;
  }
}

/** @param value `null`: forget it */
export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`verbatim-${name}`);
    else localStorage.setItem(`verbatim-${name}`, value);
  } catch {
    if (value === null) fallback.delete(name);
    else fallback.set(name, value);
  }
}
