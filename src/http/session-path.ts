/** Paths of the form `/sessions/<global id>/<what>`; an id is base64, and may be percent-encoded. */
export class SessionPath {
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  matches(path: string): boolean {
    return this.#idIn(path) !== null;
  }

  /** @returns the global id, as given; what names nothing is for others to refuse */
  globalIdIn(path: string): string {
    const id = this.#idIn(path) ?? '';
    try {
      return decodeURIComponent(id);
    } catch {
      return id;
    }
  }

  of(globalId: string): string {
    return `/sessions/${encodeURIComponent(globalId)}/${this.#what}`;
  }

  #idIn(path: string): string | null {
    const [, first, id, what, ...more] = path.split('/');
    const isSuch = first === 'sessions' && id !== undefined && id !== '' && what === this.#what && more.length === 0;
    return isSuch ? id : null;
  }
}
