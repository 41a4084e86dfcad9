import { useEffect, useState } from 'react';
import { texts } from '../texts.ts';
import { IconCheck, IconCopy } from './icons.tsx';

/** Puts text on the clipboard; whether that worked. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Says something else for a moment, in the same place: nothing beside it moves. */
export function Swap({ shown, children }: { shown: string | null; children: string }) {
  return (
    <span className="swap">
      <span className={shown ? 'swapped' : undefined}>{children}</span>
      <span role="status">{shown}</span>
    </span>
  );
}

/** A button that copies, and says for a moment that it did. */
export function Copy({ text, label, children }: { text: string | (() => string); label: string; children?: string }) {
  const [told, setTold] = useState<'copied' | 'refused' | null>(null);
  useEffect(() => {
    if (!told) return;
    const timer = setTimeout(() => setTold(null), 1_600);
    return () => clearTimeout(timer);
  }, [told]);
  const put = async () => setTold((await copy(typeof text === 'string' ? text : text())) ? 'copied' : 'refused');
  const said = told === null ? '' : told === 'copied' ? texts.common.copied : texts.common.notCopied;
  return (
    <button
      type="button"
      className={children ? 'button small-button' : 'icon-button small-icon'}
      onClick={put}
      aria-label={children ? undefined : label}
      title={label}
    >
      {told === 'copied' ? <IconCheck /> : <IconCopy />}
      {children ? (
        <Swap shown={said || null}>{children}</Swap>
      ) : (
        <span className="sr-only" role="status">
          {said}
        </span>
      )}
    </button>
  );
}
