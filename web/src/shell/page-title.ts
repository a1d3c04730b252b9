import { useEffect } from 'react';
import { useRecording } from '../recording/context.ts';
import { useStore } from '../ui/store.ts';
import { clock } from '../ui/words.ts';

const SECOND_MS = 1_000;

/** The tab says what is on the page; while something is recorded, that before all. */
export function usePageTitle(title: string): void {
  const { recorder } = useRecording();
  const { phase, status } = useStore(recorder);
  const seconds = Math.floor((status?.writtenMs ?? 0) / SECOND_MS);
  useEffect(() => {
    if (phase === 'recording') document.title = `● ${clock(seconds * SECOND_MS)} recording – Verbatim`;
    else if (phase === 'paused') document.title = `❚❚ ${clock(seconds * SECOND_MS)} paused – Verbatim`;
    else document.title = `${title} – Verbatim`;
  }, [phase, seconds, title]);
}
