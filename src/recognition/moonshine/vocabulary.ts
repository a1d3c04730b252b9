import llamaTokenizer from 'llama-tokenizer-js';

// Moonshine uses the SentencePiece vocabulary of Llama: pieces in which "▁" stands for a space, "<0xNN>" for a byte of a
// character that has no piece of its own. Ids beyond that vocabulary are marks without text, like the first three.
const SPACE = '▁';
const LAST_MARK = 2;
const BYTE_PIECE = /^<0x([0-9A-F]{2})>$/;

const encoder = new TextEncoder();
const pieces: readonly string[] = llamaTokenizer.vocabById;

/** True when a word begins with this token. */
export function beginsWord(token: number): boolean {
  return pieceOf(token).startsWith(SPACE);
}

/** True when the token carries part of a word: a letter, a digit, or a byte of some other character. */
export function carriesWord(token: number): boolean {
  const piece = pieceOf(token);
  return BYTE_PIECE.test(piece) || /[\p{L}\p{N}]/u.test(piece);
}

/** True when the token ends with a full stop, a question or an exclamation mark. */
export function endsSentence(token: number): boolean {
  return /[.?!]$/.test(pieceOf(token));
}

/**
 * The text of tokens, single spaces between words, none around. Bytes that form no character become U+FFFD; those that only
 * begin one at the end, where a draft broke off, are left out.
 */
export function textOf(tokens: readonly number[]): string {
  const bytes = tokens.flatMap((token) => {
    const piece = pieceOf(token);
    const byte = BYTE_PIECE.exec(piece)?.[1];
    return byte === undefined ? [...encoder.encode(piece)] : [Number.parseInt(byte, 16)];
  });
  const text = new TextDecoder().decode(Uint8Array.from(bytes), { stream: true });
  return text.replaceAll(SPACE, ' ').replaceAll(/\s+/g, ' ').trim();
}

function pieceOf(token: number): string {
  return token <= LAST_MARK ? '' : (pieces[token] ?? '');
}
