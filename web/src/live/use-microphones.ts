import { useCallback, useEffect, useState } from 'react';
import { canRecord } from '../recording/problems.ts';
import { keep, readKept } from '../ui/kept.ts';

const CHOSEN = 'microphone';

export interface Microphones {
  /** Those with a name: browsers give no names before a microphone was allowed. */
  readonly devices: readonly MediaDeviceInfo[];
  /** `null`: the system's own choice. */
  readonly chosen: string | null;
  readonly choose: (deviceId: string | null) => void;
  /** Looks again, as names are there once a microphone was allowed. */
  readonly refresh: () => void;
}

export function useMicrophones(): Microphones {
  const [devices, setDevices] = useState<readonly MediaDeviceInfo[]>([]);
  const [wanted, setWanted] = useState(() => readKept(CHOSEN));

  const refresh = useCallback(() => {
    if (!canRecord()) return;
    navigator.mediaDevices.enumerateDevices().then(
      (all) => setDevices(all.filter(({ kind, label }) => kind === 'audioinput' && label !== '')),
      () => setDevices([]),
    );
  }, []);

  useEffect(() => {
    if (!canRecord()) return;
    refresh();
    navigator.mediaDevices.addEventListener('devicechange', refresh);
    return () => navigator.mediaDevices.removeEventListener('devicechange', refresh);
  }, [refresh]);

  const choose = useCallback((deviceId: string | null) => {
    keep(CHOSEN, deviceId);
    setWanted(deviceId);
  }, []);

  return { devices, chosen: devices.some(({ deviceId }) => deviceId === wanted) ? wanted : null, choose, refresh };
}
