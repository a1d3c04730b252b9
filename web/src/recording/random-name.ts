const ID_BYTES = 16;

/** A name for a session that no other has. `crypto.randomUUID` is not there on pages that are not secure. */
export function randomName(): string {
  return `web-${Array.from(crypto.getRandomValues(new Uint8Array(ID_BYTES)), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
