import { ChartColumnIcon, ListIcon, MicIcon } from 'lucide-react';
import { useEffect, useRef, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useServer } from '../api/context.ts';
import { useStore } from '../ui/store.ts';
import { RecordingChip } from './recording-chip.tsx';
import { TokenDialog } from './token-dialog.tsx';
import { useRecordingGuards } from './use-recording-guards.ts';

const PLACES = [
  { href: '/live', label: 'Record', Icon: MicIcon },
  { href: '/dashboard', label: 'Recordings', Icon: ListIcon },
  { href: '/analytics', label: 'Analytics', Icon: ChartColumnIcon },
] as const;

/** What is around every page: where one can go, and whether the server is there. */
export function Shell({ children }: { readonly children: ReactNode }) {
  const { reachability } = useStore(useServer());
  const [place] = useLocation();
  useRecordingGuards();
  const content = useRef<HTMLElement>(null);
  const shown = useRef(place);
  useEffect(() => {
    if (shown.current === place) return;
    shown.current = place;
    // What led here is gone with its page: who goes by keyboard goes on in the new one.
    if (document.activeElement === document.body) content.current?.focus({ preventScroll: true });
  }, [place]);
  return (
    <>
      <a className="skip-link" href="#content">
        To the content
      </a>
      <header className="shell-bar">
        <Link href="/dashboard" className="brand">
          Verbatim
        </Link>
        <RecordingChip />
        <nav aria-label="Main">
          {PLACES.map(({ href, label, Icon }) => (
            <Link key={href} href={href} aria-current={place === href ? 'page' : undefined}>
              <Icon aria-hidden size={18} />
              {label}
            </Link>
          ))}
        </nav>
      </header>
      <p className="connection" role="status">
        {reachability === 'unreachable' && 'No connection to the server. Trying again …'}
      </p>
      <main ref={content} id="content" tabIndex={-1}>
        {children}
      </main>
      {reachability === 'unauthorised' && <TokenDialog />}
    </>
  );
}
