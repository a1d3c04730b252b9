import { DownloadIcon } from 'lucide-react';
import { useRef } from 'react';
import { useClient } from 'urql';
import { sentenceOf } from '../api/client.ts';
import type { VariablesOf } from '../api/graphql.ts';
import { TranscriptQuery } from './session-queries.ts';

type Format = VariablesOf<typeof TranscriptQuery>['format'];

const FORMATS: readonly { readonly format: Format; readonly label: string; readonly type: string }[] = [
  { format: 'TXT', label: 'Plain text', type: 'text/plain' },
  { format: 'SRT', label: 'Subtitles, SubRip', type: 'application/x-subrip' },
  { format: 'VTT', label: 'Subtitles, WebVTT', type: 'text/vtt' },
  { format: 'JSON', label: 'JSON, with all words', type: 'application/json' },
  { format: 'CSV', label: 'Spreadsheet, CSV', type: 'text/csv' },
];
const LONGEST_NAME = 80;

interface ExportMenuProps {
  readonly id: string;
  readonly name: string;
  readonly onError: (sentence: string) => void;
}

/** Saves the transcript as a file, as the server writes it. */
export function ExportMenu({ id, name, onError }: ExportMenuProps) {
  const client = useClient();
  const menu = useRef<HTMLDetailsElement>(null);
  const close = () => {
    if (menu.current !== null) menu.current.open = false;
  };
  const save = async (format: Format, type: string) => {
    close();
    menu.current?.querySelector('summary')?.focus();
    const { data, error } = await client.query(TranscriptQuery, { id, format }).toPromise();
    const transcript = data?.session?.transcript;
    if (transcript === undefined) onError(error === undefined ? 'The recording is gone.' : sentenceOf(error));
    else
      download(new Blob([transcript], { type: `${type};charset=utf-8` }), `${fileName(name)}.${format.toLowerCase()}`);
  };
  return (
    <details
      ref={menu}
      className="menu"
      onBlur={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget)) close();
      }}
      onKeyDown={({ key }) => key === 'Escape' && close()}
    >
      <summary className="button">
        <DownloadIcon aria-hidden size={18} /> Export
      </summary>
      <ul>
        {FORMATS.map(({ format, label, type }) => (
          <li key={format}>
            <button type="button" onClick={() => void save(format, type)}>
              <span>{format}</span> {label}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function download(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href));
}

/** Without what file systems refuse. */
function fileName(name: string): string {
  const safe = name.replaceAll(/[\p{Cc}"*/:<>?\\|]+/gu, ' ').trim();
  return safe.slice(0, LONGEST_NAME) || 'transcript';
}
