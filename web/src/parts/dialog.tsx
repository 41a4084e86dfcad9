// The browser's own dialog: it traps the focus, closes on Escape, and gives the focus back.
//
// A click beside it and Escape close it as well, and happen by mistake: what would be lost by that keeps it open.

import {
  type FormEvent,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';
import { texts } from '../texts.ts';
import { IconCross } from './icons.tsx';

/** A `ref` for what has the focus when the dialog opens: React's `autoFocus` comes before it does, and is lost. */
export function firstFocus(element: HTMLElement | null) {
  element?.setAttribute('autofocus', '');
}

/** A `ref` for what opens a dialog and may go with what is done there: the keyboard, come back to it, is not lost with it. */
export function passesFocusOn(element: HTMLElement | null) {
  return () => {
    if (document.activeElement === element) document.getElementById('main')?.focus({ preventScroll: true });
  };
}

interface Props {
  title: string;
  onClose(): void;
  children: ReactNode;
  /** The buttons at the end. */
  actions?: ReactNode;
  /** `side` for something to read beside the page, `middle` for a question. */
  place?: 'middle' | 'side';
  /** What it is about. The keyboard begins at its top when that becomes something else. */
  subject?: string | undefined;
  /** Shows what is never shown again: only one of its `actions` closes it. */
  once?: boolean;
}

export function Dialog({ title, onClose, children, actions, place = 'middle', subject, once = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const loss = useLoss(dialog, once);
  useFocus(dialog);
  useTop(dialog, subject);
  return (
    // Escape is the keyboard's way to close it, which the browser brings.
    <dialog
      ref={dialog}
      className={`dialog dialog-${place}`}
      aria-labelledby={heading}
      onClose={onClose}
      onInput={loss.note}
      onCancel={loss.prevent}
      onKeyDown={(event) => event.key === 'Escape' && loss.prevent(event)}
      onClick={(event) => {
        if (event.target === dialog.current && !loss.prevent(event)) dialog.current?.close();
      }}
    >
      <div className="dialog-body">
        <header className="dialog-head">
          <h2 id={heading} tabIndex={-1}>
            {title}
          </h2>
          {!once && (
            <button
              type="button"
              className="icon-button"
              onClick={() => dialog.current?.close()}
              aria-label={texts.common.close}
            >
              <IconCross />
            </button>
          )}
        </header>
        <div className="dialog-content">{children}</div>
        {(actions || loss.told) && (
          <footer className="dialog-actions">
            <p className="quiet small dialog-told" role="status">
              {loss.told && (once ? texts.common.keptSecret : texts.common.keptDraft)}
            </p>
            {actions}
          </footer>
        )}
      </div>
    </dialog>
  );
}

/** What would be lost if the dialog closed: what is shown once, and what was typed or chosen in a form of it. */
function useLoss(dialog: React.RefObject<HTMLDialogElement | null>, once: boolean) {
  const changed = useRef<Element>(null);
  const [told, setTold] = useState(false);
  /** Whether something would be lost, which keeps the dialog open; and says so. */
  const prevent = (event: KeyboardEvent | MouseEvent | React.SyntheticEvent) => {
    if ((event.target as Element).closest('dialog') !== dialog.current) return false;
    if (!once && !changed.current?.isConnected) return false;
    event.preventDefault();
    setTold(true);
    return true;
  };
  const note = (event: FormEvent) => {
    const form = (event.target as Element).closest('form');
    if (form?.closest('dialog') === dialog.current) changed.current = form;
  };
  return { note, prevent, told };
}

function useFocus(dialog: React.RefObject<HTMLDialogElement | null>) {
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
  }, [dialog]);
}

/** What the keyboard stood on is gone with what the dialog was about before. */
function useTop(dialog: React.RefObject<HTMLDialogElement | null>, subject: string | undefined) {
  const before = useRef(subject);
  useEffect(() => {
    if (subject === undefined || subject === before.current) return;
    if (before.current !== undefined) dialog.current?.querySelector('h2')?.focus();
    before.current = subject;
  }, [dialog, subject]);
}
