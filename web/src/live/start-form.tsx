import { MicIcon } from 'lucide-react';
import { useId, useRef, useState } from 'react';
import { useRecording } from '../recording/context.ts';
import { CANNOT_RECORD, canRecord, type Problem } from '../recording/problems.ts';
import { ProblemCard } from '../ui/problem-card.tsx';
import { LONGEST_TITLE } from '../ui/words.ts';
import { FileDrop } from './file-drop.tsx';
import { InsecureCard } from './insecure-card.tsx';
import { MicrophonePicker } from './microphone-picker.tsx';
import type { Microphones } from './use-microphones.ts';

const LANGUAGES = ['en', 'en-GB', 'en-US', 'en-AU', 'en-IN'];

interface StartFormProps {
  readonly microphones: Microphones;
  readonly problem: Problem | null;
}

/** What there is to decide before a recording; nothing has to be. */
export function StartForm({ microphones, problem }: StartFormProps) {
  const { recorder, file } = useRecording();
  const [title, setTitle] = useState('');
  const [language, setLanguage] = useState('en');
  const [trialProblem, setTrialProblem] = useState<Problem | null>(null);
  const languages = useId();
  const languageInput = useRef<HTMLInputElement>(null);
  const shownProblem = canRecord() ? (problem ?? trialProblem) : CANNOT_RECORD;

  const start = () => {
    setTrialProblem(null);
    const named = title.trim() === '' ? null : title.trim();
    void recorder.start({ title: named, language, deviceId: microphones.chosen });
  };
  const changeLanguage = (tag: string) => {
    setLanguage(tag);
    languageInput.current?.setCustomValidity(isLanguageTag(tag) ? '' : 'Give a language tag, for example en or en-GB.');
  };

  const drop = <FileDrop isMain={!canRecord()} onFile={(dropped) => void file.transcribe(dropped, language)} />;
  if (!isSecureContext) {
    return (
      <div className="start wide">
        <InsecureCard />
        {drop}
      </div>
    );
  }
  return (
    <form
      className="start"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      {shownProblem !== null && <ProblemCard {...shownProblem} />}
      <label className="field title-field">
        <span className="visually-hidden">Title</span>
        <input
          value={title}
          maxLength={LONGEST_TITLE}
          placeholder="Title, if you like"
          onChange={(event) => setTitle(event.target.value)}
        />
      </label>
      <button className="record" disabled={!canRecord()}>
        <span className="record-sign" aria-hidden>
          <MicIcon size={30} />
        </span>
        Start
      </button>
      {canRecord() && (
        <details>
          <summary>Microphone and language</summary>
          <MicrophonePicker microphones={microphones} onProblem={setTrialProblem} />
          <label className="field">
            Language
            <input
              ref={languageInput}
              list={languages}
              value={language}
              onChange={(event) => changeLanguage(event.target.value)}
            />
            <datalist id={languages}>
              {LANGUAGES.map((tag) => (
                <option key={tag} value={tag} />
              ))}
            </datalist>
          </label>
        </details>
      )}
      {drop}
    </form>
  );
}

/** BCP 47, as far as browsers know it. */
function isLanguageTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
