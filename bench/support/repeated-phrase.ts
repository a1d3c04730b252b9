/** Longest phrase that is looked for, words. */
const LONGEST_PHRASE = 8;

/** How often the same words (1 to 8) come in a row at most; 0 for a text without words. */
export function mostRepetitions(text: string): number {
  const words = text
    .toLowerCase()
    .split(/\s+/u)
    .map((word) => word.replaceAll(/[^\p{L}\p{N}']/gu, ''))
    .filter((word) => word !== '');
  let most = Math.min(1, words.length);
  for (let length = 1; length <= LONGEST_PHRASE; length++) {
    let alike = 0;
    for (let index = length; index < words.length; index++) {
      alike = words[index] === words[index - length] ? alike + 1 : 0;
      most = Math.max(most, 1 + Math.floor(alike / length));
    }
  }
  return most;
}
