import { CheckIcon, CopyIcon } from 'lucide-react';
import { useEffect, useState } from 'react';

const SHOWN_MS = 2_000;

interface CopyButtonProps {
  readonly text: () => string;
  readonly onError: (sentence: string) => void;
}

export function CopyButton({ text, onError }: CopyButtonProps) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = () => {
    // Browsers have no clipboard for pages that are not secure.
    if (!('clipboard' in navigator))
      return onError('This page is not secure, so the browser copies nothing. Export it as TXT instead.');
    navigator.clipboard.writeText(text()).then(
      () => setCopied(true),
      () => onError('The browser did not allow it. Export it as TXT instead.'),
    );
  };
  return (
    <button type="button" className="button" onClick={copy}>
      {isCopied ? <CheckIcon aria-hidden size={18} /> : <CopyIcon aria-hidden size={18} />}
      <span aria-live="polite">{isCopied ? 'Copied' : 'Copy'}</span>
    </button>
  );
}
