import { Link } from 'wouter';
import { usePageTitle } from './page-title.ts';

export function NothingHere({ what }: { readonly what: 'page' | 'recording' }) {
  usePageTitle('Not found');
  return (
    <div className="notice page">
      <h1>There is no such {what}</h1>
      <p>{what === 'recording' ? 'It may have been deleted.' : 'The address may be mistyped.'}</p>
      <Link href="/dashboard" className="button">
        All recordings
      </Link>
    </div>
  );
}
