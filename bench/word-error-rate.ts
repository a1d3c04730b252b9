import { cardinalWords, digitWords, ordinalWords, yearWords } from './number-words.ts';

// Word error rate of English, as is usual: both texts are normalised first, so that only what a listener would call an error
// counts. The rules follow Whisper's English normaliser (Radford et al., "Robust Speech Recognition via Large-Scale Weak
// Supervision", 2022, appendix C) in kind: case, punctuation, hesitations, contractions, titles, numbers, spelling.

export interface WordErrors {
  /** Words of the reference. */
  readonly words: number;
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
}

/** Hesitations: references rarely have them, and no reader misses them. */
const HESITATIONS = new Set(['uh', 'um', 'hmm', 'hm', 'mm', 'mmm', 'mhm', 'er', 'erm', 'ah', 'eh']);

/** Words with more than one accepted writing, brought to one. The value may be several words. */
const VARIANTS = new Map([
  ...pairs(`
    mr=mister mrs=missus dr=doctor st=saint prof=professor capt=captain lt=lieutenant sgt=sergeant jr=junior sr=senior
    ok=okay alright=all_right anyone=any_one everyone=every_one someone=some_one forever=for_ever cannot=can_not
    gonna=going_to wanna=want_to gotta=got_to yknow=you_know til=till o=oh vs=versus etc=et_cetera
    can't=can_not won't=will_not shan't=shall_not let's=let_us 'twas=it_was 'tis=it_is o'clock=oclock`),
  // British spellings to American ones, as in the references of LibriSpeech.
  ...pairs(`
    grey=gray centre=center theatre=theater metre=meter sceptre=scepter fibre=fiber defence=defense offence=offense
    licence=license practise=practice cheque=check plough=plow programme=program moustache=mustache tyre=tire
    towards=toward afterwards=afterward inquire=enquire inquiry=enquiry inquiries=enquiries judgement=judgment
    travelled=traveled travelling=traveling traveller=traveler cancelled=canceled jewellery=jewelry
    realise=realize realised=realized recognise=recognize recognised=recognized organise=organize organised=organized
    apologise=apologize sympathise=sympathize civilisation=civilization organisation=organization`),
]);

/** Stems that end in -our in Britain and in -or in America, with whatever follows them. */
const OUR_STEM =
  /^(arm|behavi|clam|col|endeav|fav|fl?av|glam|harb|hon|hum|lab|neighb|od|parl|ranc|rig|rum|sav|splend|tum|val|vap|vig)our(?=$|s|e|i|a|l|h|'|y)/;

const CONTRACTIONS: readonly (readonly [RegExp, string])[] = [
  [/n't$/, ' not'],
  [/'re$/, ' are'],
  [/'ll$/, ' will'],
  [/'ve$/, ' have'],
  [/'m$/, ' am'],
];

/** The words of a text in the form in which they are compared: lower case, numbers spelt out, variants unified. */
export function normaliseWords(text: string): string[] {
  const plain = spellOutNumbers(
    text
      .normalize('NFKC')
      .toLowerCase()
      .replaceAll(/[’‘`´]/g, "'")
      // Notes on sounds, such as [laughter] or <noise>, are not speech.
      .replaceAll(/\[[^\]]*\]|<[^>]*>/g, ' ')
      .replaceAll('&', ' and '),
  );
  return plain
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z' ]+/g, ' ')
    .split(' ')
    .flatMap(normaliseWord);
}

/** Substituted, deleted and inserted words of the cheapest alignment, after normalising both texts. */
export function wordErrors(reference: string, hypothesis: string): WordErrors {
  const expected = normaliseWords(reference);
  const heard = normaliseWords(hypothesis);
  const aligned = alignWords(expected, heard);
  return {
    words: expected.length,
    substitutions: aligned.filter((pair) => isBoth(pair) && expected[pair.reference] !== heard[pair.hypothesis]).length,
    deletions: aligned.filter(({ hypothesis: at }) => at === null).length,
    insertions: aligned.filter(({ reference: at }) => at === null).length,
  };
}

/** Errors of several texts together. */
export function addErrors(all: readonly WordErrors[]): WordErrors {
  return {
    words: total(all, 'words'),
    substitutions: total(all, 'substitutions'),
    deletions: total(all, 'deletions'),
    insertions: total(all, 'insertions'),
  };
}

/** Errors per word of the reference, 0 and up; `null` when the reference has none. */
export function wordErrorRate(errors: WordErrors): number | null {
  if (errors.words === 0) return null;
  return (errors.substitutions + errors.deletions + errors.insertions) / errors.words;
}

function normaliseWord(raw: string): string[] {
  const quoted = raw.replace(/'+$/, '');
  // An apostrophe in front is a quotation mark, unless the word is one of those that begin with it.
  const word = VARIANTS.has(quoted) ? quoted : quoted.replace(/^'+/, '');
  if (word === '' || HESITATIONS.has(word)) return [];
  const variant = VARIANTS.get(word);
  if (variant !== undefined) return variant.split(' ');
  for (const [ending, expansion] of CONTRACTIONS) {
    if (ending.test(word)) return word.replace(ending, expansion).trim().split(' ');
  }
  return [word.replace(OUR_STEM, '$1or')];
}

function spellOutNumbers(text: string): string {
  return (
    text
      .replaceAll(/\$ ?(\d[\d,]*(?:\.\d+)?)/g, '$1 dollars')
      .replaceAll(/£ ?(\d[\d,]*(?:\.\d+)?)/g, '$1 pounds')
      .replaceAll('%', ' percent ')
      // A number with a separator is not a year, whatever its size.
      .replaceAll(/\d{1,3}(?:,\d{3})+(?![\d.])/g, (digits) => spaced(cardinalWords(Number(digits.replaceAll(',', '')))))
      .replaceAll(/(\d),(?=\d{3})/g, '$1')
      .replaceAll(/(\d+)(?:st|nd|rd|th)\b/g, (_, digits: string) => spaced(ordinalWords(Number(digits))))
      .replaceAll(/(\d+)\.(\d+)/g, (_, whole: string, fraction: string) =>
        spaced([...cardinalWords(Number(whole)), 'point', ...digitWords(fraction)]),
      )
      .replaceAll(/(\d{1,2}):00\b/g, '$1 oclock')
      .replaceAll(/\b1[1-9]\d\d\b/g, (digits) => spaced(yearWords(Number(digits))))
      .replaceAll(/\d+/g, (digits) => spaced(cardinalWords(Number(digits))))
  );
}

function spaced(words: string[]): string {
  return ` ${words.join(' ')} `;
}

/** Words that stand for each other, by index; `null` where the other text has none. */
export interface WordPair {
  readonly reference: number | null;
  readonly hypothesis: number | null;
}

export function isBoth(pair: WordPair): pair is { readonly reference: number; readonly hypothesis: number } {
  return pair.reference !== null && pair.hypothesis !== null;
}

/**
 * Which words of two texts stand for each other: edit distance over words by dynamic programming (Wagner & Fischer, "The
 * String-to-String Correction Problem", 1974), then one cheapest path traced back; a substitution is preferred to a deletion
 * and an insertion.
 */
export function alignWords(reference: readonly string[], hypothesis: readonly string[]): WordPair[] {
  const columns = hypothesis.length + 1;
  const costs = new Uint32Array((reference.length + 1) * columns);
  const cost = (row: number, column: number): number => costs[row * columns + column] ?? Number.POSITIVE_INFINITY;
  const replacing = (row: number, column: number): number =>
    cost(row - 1, column - 1) + (reference[row - 1] === hypothesis[column - 1] ? 0 : 1);
  for (let row = 0; row <= reference.length; row++) {
    for (let column = 0; column < columns; column++) {
      costs[row * columns + column] =
        row === 0 || column === 0
          ? row + column
          : Math.min(replacing(row, column), cost(row - 1, column) + 1, cost(row, column - 1) + 1);
    }
  }

  const reversed: WordPair[] = [];
  let row = reference.length;
  let column = hypothesis.length;
  while (row > 0 || column > 0) {
    if (row > 0 && column > 0 && cost(row, column) === replacing(row, column)) {
      reversed.push({ reference: --row, hypothesis: --column });
    } else if (row > 0 && cost(row, column) === cost(row - 1, column) + 1) {
      reversed.push({ reference: --row, hypothesis: null });
    } else {
      reversed.push({ reference: null, hypothesis: --column });
    }
  }
  return reversed.toReversed();
}

function total(all: readonly WordErrors[], count: keyof WordErrors): number {
  return all.reduce((sum, errors) => sum + errors[count], 0);
}

function pairs(list: string): [string, string][] {
  return list
    .trim()
    .split(/\s+/)
    .map((pair) => {
      const [from = '', to = ''] = pair.split('=');
      return [from, to.replaceAll('_', ' ')];
    });
}
