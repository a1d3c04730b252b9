import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseWavHeader } from '../../src/audio/wav.ts';
import type { AudioFormat } from '../../src/audio/format.ts';

/** A recording and what is said in it. */
export interface SpeechFile {
  /** Name within its folder. */
  readonly file: string;
  readonly path: string;
  readonly seconds: number;
  readonly reference: string;
  /** It consists of other files of the folder, with silence between: to be scored with them, it would count twice. */
  readonly isConcatenation: boolean;
}

/** A folder of recordings is not what it should be. */
export class SpeechError extends Error {
  override readonly name = 'SpeechError';
}

const COLUMNS = ['file', 'seconds', 'reference'] as const;

/** Reads a folder's manifest.tsv. @throws SpeechError */
export async function readSpeech(directory: string): Promise<SpeechFile[]> {
  const manifest = path.join(directory, 'manifest.tsv');
  const text = await readFile(manifest, 'utf8').catch((error: unknown) => {
    throw new SpeechError(`cannot read ${manifest}`, { cause: error });
  });
  return parseManifest(text, directory);
}

/**
 * Reads a manifest: tab-separated, its first line names the columns, of which `file`, `seconds` and `reference` are needed.
 * @throws SpeechError
 */
export function parseManifest(text: string, directory: string): SpeechFile[] {
  const [head = '', ...lines] = text.split(/\r?\n/u);
  const headings = head.split('\t');
  const missing = COLUMNS.find((column) => !headings.includes(column));
  if (missing !== undefined) throw new SpeechError(`manifest.tsv has no column "${missing}"`);
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const values = line.split('\t');
    const [file, seconds, reference] = COLUMNS.map((column) => values[headings.indexOf(column)] ?? '');
    if (!file || !reference || !(Number(seconds) > 0)) {
      throw new SpeechError(`manifest.tsv, line ${index + 2}: file, seconds and reference are needed`);
    }
    const isConcatenation = file.startsWith('long-');
    return [{ file, path: path.join(directory, file), seconds: Number(seconds), reference, isConcatenation }];
  });
}

export interface RecordedAudio {
  readonly format: AudioFormat;
  /** Samples as they stand in the file. */
  readonly bytes: Buffer;
}

/** The samples of a recording. @throws SpeechError when it is no WAV file that can be sent as it is. */
export async function readRecording(file: Pick<SpeechFile, 'file' | 'path'>): Promise<RecordedAudio> {
  const content = await readFile(file.path);
  const header = parseWavHeader(content, content.length);
  if (header?.dataLength === undefined || header.dataLength === null) {
    throw new SpeechError(`${file.file} has no samples`);
  }
  if (header.format.channels !== 1) throw new SpeechError(`${file.file} has ${header.format.channels} channels`);
  return {
    format: header.format,
    bytes: content.subarray(header.dataOffset, header.dataOffset + header.dataLength),
  };
}
