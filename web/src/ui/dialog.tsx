import { useId, useLayoutEffect, useRef, type ReactNode, type SyntheticEvent } from 'react';

interface DialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** `null`: it cannot be dismissed. */
  readonly onClose: (() => void) | null;
  readonly onSubmit: () => void;
}

/** Asks something before anything else can be done. */
export function Dialog({ title, children, onClose, onSubmit }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    // Gives the focus back to what had it before.
    return () => current?.close();
  }, []);
  const cancel = (event: SyntheticEvent) => {
    event.preventDefault();
    onClose?.();
  };
  return (
    <dialog ref={dialog} aria-labelledby={heading} onCancel={cancel}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        <h2 id={heading}>{title}</h2>
        {children}
      </form>
    </dialog>
  );
}
