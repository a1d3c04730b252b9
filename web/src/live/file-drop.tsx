import { FileAudioIcon } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';

interface FileDropProps {
  /** There is nothing else to do on the page. */
  readonly isMain: boolean;
  readonly onFile: (file: File) => void;
}

/** Takes an audio file: dropped anywhere on the page, or chosen. */
export function FileDrop({ isMain, onFile }: FileDropProps) {
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const take = useRef(onFile);
  take.current = onFile;

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const over = (event: DragEvent) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const drop = (event: DragEvent) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      setOver(false);
      const [file] = event.dataTransfer?.files ?? [];
      if (file !== undefined) take.current(file);
    };
    addEventListener('dragover', over, { signal });
    addEventListener('dragleave', (event) => event.relatedTarget === null && setOver(false), { signal });
    addEventListener('drop', drop, { signal });
    return () => controller.abort();
  }, []);

  return (
    <div className="file-drop">
      {isOver && <p className="drop-target">Drop it, and it is transcribed</p>}
      <button
        type="button"
        className={isMain ? 'button primary' : 'button quiet'}
        onClick={() => input.current?.click()}
      >
        <FileAudioIcon aria-hidden size={18} />
        Transcribe an audio file
      </button>
      <p className="hint">or drop one anywhere on this page</p>
      <input
        ref={input}
        type="file"
        accept="audio/*"
        hidden
        aria-label="Audio file"
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          target.value = '';
          if (file !== undefined) onFile(file);
        }}
      />
    </div>
  );
}
