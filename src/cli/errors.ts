/** Something that the person at the command line can understand and mend; the message is all that is printed. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
}
