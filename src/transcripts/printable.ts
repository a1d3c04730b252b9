/**
 * Text as one line that is safe to print: white space collapsed to single spaces, and other control characters left out,
 * since titles and texts come from other people and a terminal obeys what it is sent.
 */
export function printable(text: string): string {
  return text
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(/\p{Cc}/gu, '')
    .trim();
}
