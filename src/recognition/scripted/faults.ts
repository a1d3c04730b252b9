import { readFileSync, writeFileSync } from 'node:fs';
import type { ToneWord } from './tone-words.ts';

/**
 * Whether the words of `FAULT_WORDS` misbehave: always, never, or as often as the number in a file says, which is counted
 * down, so that it holds across processes. A file that does not exist is as good as 0.
 */
export type ScriptedFaults = boolean | { readonly budgetFile: string };

/**
 * Words that misbehave when the engine was told to allow it, each as soon as it is decoded for a final: `crash` ends the process,
 * `hang` blocks it for ever, `stall` is a decode that never ends though the process goes on, `exhaust` takes memory until
 * there is none, `throw` fails the decode. Without, they are words like all others.
 */
const MISBEHAVIOURS: Partial<Record<ToneWord, () => void | Promise<void>>> = {
  crash: () => process.exit(70),
  hang: () => {
    // Like native code that never returns, without burning a core.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  stall: () => new Promise(() => {}),
  exhaust: () => {
    const hoard: number[][] = [];
    for (;;) hoard.push(Array.from({ length: 100_000 }, (_, i) => i + hoard.length));
  },
  throw: () => {
    throw new Error('the scripted engine was told to fail this decode');
  },
};

/** Lets the first of the words that can misbehave do so, if faults are allowed. */
export async function misbehave(words: readonly string[], faults: ScriptedFaults): Promise<void> {
  const [misbehaviour] = Object.entries(MISBEHAVIOURS).flatMap(([word, act]) => (words.includes(word) ? [act] : []));
  if (misbehaviour && takeFault(faults)) await misbehaviour();
}

function takeFault(faults: ScriptedFaults): boolean {
  if (typeof faults === 'boolean') return faults;
  const left = remainingFaults(faults.budgetFile);
  if (left <= 0) return false;
  writeFileSync(faults.budgetFile, String(left - 1));
  return true;
}

function remainingFaults(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}
