import { useEffect, useRef, useState } from 'react';
import { useSettled } from './use-settled.ts';

/** How long a search waits for the next letter, in milliseconds. */
const TYPING_MS = 200;

/**
 * Words that are typed into a field and stand in the address once they are settled: a letter must not wait for the address,
 * which browsers let change only so often.
 *
 * @param inAddress what stands there; when somebody else changes that, it is what was typed
 */
export function useTypedWords(
  inAddress: string,
  write: (words: string) => void,
): readonly [typed: string, type: (words: string) => void] {
  const [typed, setTyped] = useState(inAddress);
  const settled = useSettled(typed, TYPING_MS);
  const known = useRef(inAddress);
  useEffect(() => {
    if (settled === known.current) return;
    known.current = settled;
    write(settled);
    // Writes what was typed, and never again what somebody else has written meanwhile.
  }, [settled]);
  useEffect(() => {
    if (inAddress === known.current) return;
    known.current = inAddress;
    setTyped(inAddress);
  }, [inAddress]);
  return [typed, setTyped];
}
