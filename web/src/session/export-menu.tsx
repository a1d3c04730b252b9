import { DownloadIcon } from 'lucide-react';
import { useRef } from 'react';
import { useClient } from 'urql';
import { sentenceOf } from '../api/client.ts';
import type { VariablesOf } from '../api/graphql.ts';
import { RecordingQuery, TranscriptQuery } from './session-queries.ts';

type Format = VariablesOf<typeof TranscriptQuery>['format'];

const FORMATS: readonly { readonly format: Format; readonly label: string; readonly type: string }[] = [
  { format: 'TXT', label: 'Plain text', type: 'text/plain' },
  { format: 'SRT', label: 'Subtitles, SubRip', type: 'application/x-subrip' },
  { format: 'VTT', label: 'Subtitles, WebVTT', type: 'text/vtt' },
  { format: 'JSON', label: 'JSON, with all words', type: 'application/json' },
  { format: 'CSV', label: 'Spreadsheet, CSV', type: 'text/csv' },
];
type Sound = VariablesOf<typeof RecordingQuery>['format'];

const SOUNDS: readonly { readonly format: Sound; readonly ending: string; readonly label: string }[] = [
  { format: 'WAV', ending: 'wav', label: 'Sound, every sample' },
  { format: 'MP4_OPUS', ending: 'm4a', label: 'Sound, compact' },
];
const LONGEST_NAME = 80;

interface ExportMenuProps {
  readonly id: string;
  readonly name: string;
  readonly onError: (sentence: string) => void;
}

/** Saves the transcript or the sound as a file, as the server writes it. */
export function ExportMenu({ id, name, onError }: ExportMenuProps) {
  const client = useClient();
  const menu = useRef<HTMLDetailsElement>(null);
  const close = () => {
    if (menu.current !== null) menu.current.open = false;
  };
  const choose = () => {
    close();
    menu.current?.querySelector('summary')?.focus();
  };
  const saveSound = async (format: Sound, ending: string) => {
    choose();
    const { data, error } = await client.query(RecordingQuery, { id, format }).toPromise();
    const url = data?.session?.recordingUrl ?? null;
    if (url !== null) download(url, `${fileName(name)}.${ending}`);
    else onError(error === undefined ? 'The sound of this recording is not kept any more.' : sentenceOf(error));
  };
  const save = async (format: Format, type: string) => {
    choose();
    const { data, error } = await client.query(TranscriptQuery, { id, format }).toPromise();
    const transcript = data?.session?.transcript;
    if (transcript === undefined) onError(error === undefined ? 'The recording is gone.' : sentenceOf(error));
    else saveText(transcript, type, `${fileName(name)}.${format.toLowerCase()}`);
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
        {SOUNDS.map(({ format, ending, label }) => (
          <li key={format}>
            <button type="button" onClick={() => void saveSound(format, ending)}>
              <span>{ending.toUpperCase()}</span> {label}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function saveText(text: string, type: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  download(url, name);
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url));
}

function download(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

/** Without what file systems refuse. */
function fileName(name: string): string {
  const safe = name.replaceAll(/[\p{Cc}"*/:<>?\\|]+/gu, ' ').trim();
  return safe.slice(0, LONGEST_NAME) || 'transcript';
}
