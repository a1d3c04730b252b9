/**
 * The decoders' libraries print each error that they also return, and have no setting for that. What was wrong with a session's
 * audio is for the log, under the session's id. Nothing else runs meanwhile, so nothing else is kept from printing.
 */
export function quietly<T>(decode: () => T): T {
  const { error } = console;
  console.error = () => {};
  try {
    return decode();
  } finally {
    console.error = error;
  }
}
