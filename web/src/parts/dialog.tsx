// The browser's own dialog: it traps the focus, closes on Escape, and gives the focus back.

import { type ReactNode, useEffect, useId, useRef } from 'react';
import { texts } from '../texts.ts';
import { IconCross } from './icons.tsx';

/** A `ref` for what has the focus when the dialog opens: React's `autoFocus` comes before it does, and is lost. */
export function firstFocus(element: HTMLElement | null) {
  element?.setAttribute('autofocus', '');
}

interface Props {
  title: string;
  onClose(): void;
  children: ReactNode;
  /** The buttons at the end. */
  actions?: ReactNode;
  /** `side` for something to read beside the page, `middle` for a question. */
  place?: 'middle' | 'side';
}

export function Dialog({ title, onClose, children, actions, place = 'middle' }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement;
    const element = dialog.current;
    if (element && !element.open) element.showModal();
    return () => {
      // Closed by Escape or its button, the browser has given the focus back; taken away after a deed, it has not.
      if (document.activeElement !== document.body) return;
      const back = before instanceof HTMLElement && before.isConnected ? before : document.getElementById('main');
      back?.focus({ preventScroll: true });
    };
  }, []);
  return (
    // Escape is the keyboard's way to close it, which the browser brings.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    <dialog
      ref={dialog}
      className={`dialog dialog-${place}`}
      aria-labelledby={heading}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <div className="dialog-body">
        <header className="dialog-head">
          <h2 id={heading}>{title}</h2>
          <button
            type="button"
            className="icon-button"
            onClick={() => dialog.current?.close()}
            aria-label={texts.common.close}
          >
            <IconCross />
          </button>
        </header>
        <div className="dialog-content">{children}</div>
        {actions && <footer className="dialog-actions">{actions}</footer>}
      </div>
    </dialog>
  );
}
