import { useState } from 'react';

/** What went wrong, as a sentence; `null`: nothing. */
export function Failure({ sentence }: { readonly sentence: string | null }) {
  return sentence === null ? null : (
    <p className="warning" role="alert">
      {sentence}
    </p>
  );
}

/** @param attempt resolves with what went wrong, as a sentence; `null`: it is done */
export function useAttempt(attempt: () => Promise<string | null>, onDone: () => void) {
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const run = async () => {
    if (isBusy) return;
    setBusy(true);
    const wrong = await attempt();
    setBusy(false);
    setFailure(wrong);
    if (wrong === null) onDone();
  };
  return { isBusy, failure, run: () => void run() };
}
