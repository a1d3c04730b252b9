import { useEffect } from 'react';
import { useRecording } from '../recording/context.ts';
import { useStore } from '../ui/store.ts';

/** While something is recorded, the screen stays on, and leaving the page asks first. */
export function useRecordingGuards(): void {
  const { recorder, file } = useRecording();
  const { phase } = useStore(recorder);
  const filePhase = useStore(file).phase;
  const isBusy = recorder.isBusy || file.isBusy;

  useEffect(() => {
    if (!isBusy) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [isBusy, filePhase]);

  useEffect(() => (phase === 'recording' ? keepScreenOn() : undefined), [phase]);
}

/** https://w3c.github.io/screen-wake-lock/: the browser ends it whenever the page is hidden. @returns what ends it for good */
function keepScreenOn(): () => void {
  if (!('wakeLock' in navigator)) return () => {};
  let lock: Promise<WakeLockSentinel | null> = Promise.resolve(null);
  const request = () => {
    // Refused, for example when the battery is low: the screen then goes dark, and the recording goes on.
    if (document.visibilityState === 'visible') lock = navigator.wakeLock.request('screen').catch(() => null);
  };
  request();
  document.addEventListener('visibilitychange', request);
  return () => {
    document.removeEventListener('visibilitychange', request);
    void lock.then((held) => held?.release());
  };
}
