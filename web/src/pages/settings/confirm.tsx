// Asks before something that cannot be taken back, and tells where it was refused.

import { Dialog } from '../../parts/dialog.tsx';
import { texts } from '../../texts.ts';
import { Outcome } from './section.tsx';

interface Props {
  title: string;
  text: string;
  deed: string;
  busy: boolean;
  refused: string | null;
  onDo(): void;
  onClose(): void;
}

export function Confirm({ title, text, deed, busy, refused, onDo, onClose }: Props) {
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <button type="button" className="button" onClick={onClose}>
            {texts.common.cancel}
          </button>
          <button type="button" className="button danger" onClick={onDo} aria-disabled={busy}>
            {deed}
          </button>
        </>
      }
    >
      <p>{text}</p>
      <Outcome refused={refused} />
    </Dialog>
  );
}
