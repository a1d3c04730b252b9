import { useEffect, useState } from 'react';
import { Microphone } from '../recording/microphone.ts';
import { microphoneProblem, type Problem } from '../recording/problems.ts';
import { LevelMeter } from './level-meter.tsx';
import type { Microphones } from './use-microphones.ts';

interface PickerProps {
  readonly microphones: Microphones;
  readonly onProblem: (problem: Problem | null) => void;
}

/** Which microphone, and whether it hears anything. */
export function MicrophonePicker({ microphones, onProblem }: PickerProps) {
  const { devices, chosen, choose, refresh } = microphones;
  const [isTrying, setTrying] = useState(false);
  const level = useTrial(isTrying, chosen, {
    onOpen: refresh,
    onProblem: (problem) => {
      setTrying(false);
      onProblem(problem);
    },
  });
  return (
    <div className="picker">
      <label className="field">
        Microphone
        <select value={chosen ?? ''} onChange={({ target }) => choose(target.value === '' ? null : target.value)}>
          <option value="">The system’s choice</option>
          {devices
            .filter(({ deviceId }) => deviceId !== 'default')
            .map(({ deviceId, label }) => (
              <option key={deviceId} value={deviceId}>
                {label}
              </option>
            ))}
        </select>
      </label>
      <button type="button" className="button" onClick={() => setTrying(!isTrying)}>
        {isTrying ? 'Done' : 'Try it'}
      </button>
      {isTrying && <LevelMeter level={level} />}
    </div>
  );
}

const SILENCE = () => 0;

/** Opens the microphone to see its level, and lets go of it again. Nothing is recorded. */
function useTrial(
  isTrying: boolean,
  deviceId: string | null,
  { onOpen, onProblem }: { readonly onOpen: () => void; readonly onProblem: (problem: Problem) => void },
): () => number {
  const [level, setLevel] = useState<() => number>(() => SILENCE);
  useEffect(() => {
    if (!isTrying) return;
    const trial = openTrial(deviceId, () => setLevel(() => SILENCE));
    const show = (microphone: Microphone | null) => {
      if (microphone === null) return;
      setLevel(() => () => microphone.level());
      onOpen();
    };
    trial.opened.then(show, (error: unknown) => onProblem(microphoneProblem(error)));
    return () => {
      trial.close();
      setLevel(() => SILENCE);
    };
    // The callbacks are of this moment's render; what decides is whether, and which one.
  }, [isTrying, deviceId]);
  return level;
}

/** @returns `opened`: the microphone, or `null` when it was closed before it was open */
function openTrial(
  deviceId: string | null,
  onLost: () => void,
): { readonly opened: Promise<Microphone | null>; readonly close: () => void } {
  let isClosed = false;
  const opening = Microphone.open({ deviceId, sampleRate: null, onChunk: () => {}, onLost });
  return {
    opened: opening.then((microphone) => (isClosed ? null : microphone)),
    close: () => {
      isClosed = true;
      // One that could not be opened need not be closed.
      opening.then((microphone) => microphone.close()).catch(() => undefined);
    },
  };
}
