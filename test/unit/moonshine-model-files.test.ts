import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moonshineIdentity } from '../../src/recognition/moonshine/identity.ts';
import {
  ModelMismatchError,
  ModelMissingError,
  MOONSHINE_FILES,
  readModelFile,
  SILERO_FILE,
} from '../../src/recognition/moonshine/model-files.ts';

describe('the model files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'verbatim-models-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('are installed, and are the ones that were tested', async () => {
    const files = [
      ...Object.values(MOONSHINE_FILES).flatMap(({ encoder, decoder }) => [encoder, decoder]),
      SILERO_FILE,
    ];
    for (const file of files) expect((await readModelFile(file)).length).toBeGreaterThan(100_000);
  });

  it('are missed with advice when their package is not installed', async () => {
    const reading = readModelFile(MOONSHINE_FILES.base.encoder, [folder]);
    await expect(reading).rejects.toThrow(ModelMissingError);
    await expect(reading).rejects.toThrow(/@usefulsensors\/moonshine-js.*npm ci/);
  });

  it('are missed with advice when the package lacks them', async () => {
    await mkdir(join(folder, SILERO_FILE.packageName), { recursive: true });
    await expect(readModelFile(SILERO_FILE, [folder])).rejects.toThrow(/silero_vad_16k_op15.onnx is missing.*npm ci/);
  });

  it('are refused with advice when they were changed', async () => {
    const file = MOONSHINE_FILES.tiny.decoder;
    const location = join(folder, file.packageName, file.path);
    await mkdir(dirname(location), { recursive: true });
    await writeFile(location, 'half a download');
    const reading = readModelFile(file, [folder]);
    await expect(reading).rejects.toThrow(ModelMismatchError);
    await expect(reading).rejects.toThrow(/damaged or of another version.*npm ci/);
  });
});

describe('the identity of the recogniser', () => {
  it('is known without loading a model, and differs by size', () => {
    const base = moonshineIdentity('base');
    const tiny = moonshineIdentity('tiny');
    expect(base.engine).toBe('moonshine-base');
    expect(base.modelHash).toMatch(/^[0-9a-f]{64}$/);
    expect(base.modelHash).not.toBe(tiny.modelHash);
    const ofOneModel = { alignmentHeads: expect.any(String), calibration: expect.any(String) };
    expect(base.settings).not.toEqual(tiny.settings);
    expect(base.settings).toEqual({ ...tiny.settings, ...ofOneModel });
    expect(base.settings['runtime']).toMatch(/^onnxruntime-node \d+\.\d+\.\d+/);
  });
});
