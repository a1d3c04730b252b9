import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { SpeechFile } from './speech.ts';

/** A recording, and when its words were spoken: bench/references/README.md tells from where that is known. */
export interface TimedRecording {
  readonly file: string;
  readonly path: string;
  readonly words: readonly SpokenWord[];
}

interface SpokenWord {
  readonly text: string;
  /** Milliseconds from the recording's first sample. */
  readonly startMs: number;
  readonly endMs: number;
}

const PROJECT_ROOT = path.resolve(import.meta.dirname, '../..');
const REFERENCES = path.resolve(import.meta.dirname, '../references');

/** The project's own recordings: synthesised speech, its times exact. */
export async function synthesisedRecordings(): Promise<TimedRecording[]> {
  const wordsOf = new Map<string, SpokenWord[]>();
  for (const [file = '', text = '', startMs, endMs] of await readTable('synthesised.tsv')) {
    const words = wordsOf.get(file) ?? [];
    wordsOf.set(file, [...words, { text, startMs: Number(startMs), endMs: Number(endMs) }]);
  }
  return [...wordsOf].map(([file, words]) => ({ file, path: path.join(PROJECT_ROOT, file), words }));
}

/** Those of the recordings whose text was aligned to them by another recogniser. */
export async function alignedRecordings(speech: readonly SpeechFile[]): Promise<TimedRecording[]> {
  const table = await readTable('aligned.tsv');
  return speech.flatMap(({ file, path: location, reference }) => {
    const [, starts = '', ends = ''] = table.find(([name]) => name === file) ?? [];
    const startsMs = numbers(starts);
    const endsMs = numbers(ends);
    const texts = alignedWords(reference);
    // Another recording of the same name, or another transcript of it.
    if (startsMs.length !== texts.length || endsMs.length !== texts.length) return [];
    const words = texts.map((text, i) => ({ text, startMs: startsMs[i] ?? NaN, endMs: endsMs[i] ?? NaN }));
    return [{ file, path: location, words }];
  });
}

/** The words of a transcript as they were given to the aligner, which knows letters and apostrophes. */
function alignedWords(reference: string): string[] {
  return reference
    .toLowerCase()
    .replaceAll('*', ' star ')
    .split(/[\s\-—]+/u)
    .map((word) => word.replaceAll(/[^a-z']/gu, ''))
    .filter((word) => /[a-z]/u.test(word));
}

/** The rows of a table, without its headings. */
async function readTable(name: string): Promise<string[][]> {
  const text = await readFile(path.join(REFERENCES, name), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'));
}

function numbers(list: string): number[] {
  return list === '' ? [] : list.split(' ').map(Number);
}
