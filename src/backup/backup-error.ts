/** A backup or its restoring is refused; the message says why and what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}
