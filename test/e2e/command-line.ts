import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { wavHeader } from '../../src/audio/wav.ts';
import { synthesiseToneSpeech, type ToneSpeechPart } from '../../src/recognition/scripted/tone-speech.ts';
import { compiled, PROJECT } from '../support/compiled-program.ts';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of this project in a process of its own. */
export class RunningProgram {
  readonly process: ChildProcess;
  #stdout = '';
  #stderr = '';

  /** @param script below `src` @param environment beside PATH; nothing else is inherited. */
  constructor(script: string, args: readonly string[], environment: Readonly<Record<string, string>>) {
    this.process = spawn(process.execPath, [compiled(script), ...args], {
      env: { PATH: process.env['PATH'], MODEL: 'scripted', RECOGNISER_PROCESSES: '1', ...environment },
      cwd: PROJECT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<Finished> {
    const finished = this.finished();
    this.process.kill(signal);
    return finished;
  }

  async finished(): Promise<Finished> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'close');
    return { code: this.process.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }
}

/** Runs `verbatim …args` to its end. */
export function verbatim(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Finished> {
  return new RunningProgram('cli.ts', args, environment).finished();
}

/** Writes tone speech as a 16-bit mono WAV file. */
export async function writeSpeech(file: string, script: readonly ToneSpeechPart[], sampleRate = 16_000): Promise<void> {
  const samples = synthesiseToneSpeech(script, sampleRate);
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const format = { encoding: 'PCM_S16LE', sampleRate, channels: 1 } as const;
  await writeFile(file, Buffer.concat([wavHeader(format, bytes.length), bytes]));
}
