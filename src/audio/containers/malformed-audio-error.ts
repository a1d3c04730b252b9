/** Bytes that can't be what the session's container should go on with; the message says what is wrong, for the sender. */
export class MalformedAudioError extends Error {
  override readonly name = 'MalformedAudioError';
}
