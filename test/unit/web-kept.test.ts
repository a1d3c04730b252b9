import { afterEach, describe, expect, it, vi } from 'vitest';
import { keep, readKept } from '../../web/src/ui/kept.ts';

afterEach(() => vi.unstubAllGlobals());

/** A browser's store, with room or without. */
class LocalStorage {
  hasRoom = true;
  readonly #values = new Map<string, string>();

  getItem(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    if (!this.hasRoom) throw new DOMException('There is no room', 'QuotaExceededError');
    this.#values.set(name, value);
  }

  removeItem(name: string): void {
    this.#values.delete(name);
  }
}

describe('what a browser keeps for a person', () => {
  it('is what was given last, also where there is no room to write it', () => {
    const storage = new LocalStorage();
    vi.stubGlobal('localStorage', storage);
    keep('order', 'newest');
    storage.hasRoom = false;
    keep('order', 'oldest');
    expect(readKept('order')).toBe('oldest');
    storage.hasRoom = true;
    keep('order', 'longest');
    expect(readKept('order')).toBe('longest');
    expect(storage.getItem('verbatim-order')).toBe('longest');
    keep('order', null);
    expect(readKept('order')).toBeNull();
  });

  it('lasts as long as the page where nothing is kept at all', () => {
    vi.stubGlobal('localStorage', undefined);
    keep('microphone', 'headset');
    expect(readKept('microphone')).toBe('headset');
    keep('microphone', null);
    expect(readKept('microphone')).toBeNull();
  });
});
