import { useEffect, useState } from 'react';
import type { PendingSession } from '../../../src/client/index.ts';
import { useServer } from '../api/context.ts';
import { useRecording } from '../recording/context.ts';
import { Dialog } from '../ui/dialog.tsx';
import { useStore } from '../ui/store.ts';

/** Recordings that a reload, or a crash, cut off: to go on with, or to send the rest of. */
export function Unfinished({ deviceId }: { readonly deviceId: string | null }) {
  const { recorder } = useRecording();
  const { recoveries } = useStore(useServer());
  const { phase } = useStore(recorder);
  const [pending, setPending] = useState<readonly PendingSession[]>([]);
  const [asked, setAsked] = useState<PendingSession | null>(null);
  const [looks, setLooks] = useState(0);
  useEffect(() => {
    let isOver = false;
    // A browser without a store has nothing to offer.
    recorder.unfinished().then(
      (found) => !isOver && setPending(found),
      () => undefined,
    );
    return () => {
      isOver = true;
    };
  }, [recorder, phase, recoveries, looks]);

  if (pending.length === 0 || recorder.isBusy) return null;
  const discard = async (session: PendingSession) => {
    await recorder.discard(session);
    setAsked(null);
    setLooks(looks + 1);
  };
  return (
    <section className="unfinished" aria-label="Unfinished recordings">
      {pending.map((session) => (
        <div key={session.externalId} className="card">
          <p>
            <strong>{session.title ?? 'A recording'}</strong> was cut off. All that was recorded is kept in this browser
            until the server has it.
          </p>
          <div className="actions">
            {!session.isEnding && (
              <button
                type="button"
                className="button primary"
                onClick={() => void recorder.takeUp(session).then(() => recorder.resume(deviceId))}
              >
                Go on
              </button>
            )}
            <button
              type="button"
              className="button"
              onClick={() => void recorder.takeUp(session).then(() => recorder.stop())}
            >
              Send the rest and finish
            </button>
            <button type="button" className="button quiet" onClick={() => setAsked(session)}>
              Discard what is kept
            </button>
          </div>
        </div>
      ))}
      {asked !== null && (
        <Dialog title="Discard what is kept?" onClose={() => setAsked(null)} onSubmit={() => void discard(asked)}>
          <p>
            What this browser has of this recording, and the server has not, is lost for good. The server keeps the
            rest.
          </p>
          <div className="actions">
            <button type="button" className="button" onClick={() => setAsked(null)} autoFocus>
              Keep it
            </button>
            <button className="button danger">Discard</button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
