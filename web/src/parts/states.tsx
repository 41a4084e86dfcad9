// What stands where there is nothing to show, or where it could not be had.

import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { plainly } from '../errors.ts';
import { texts } from '../texts.ts';
import { IconWarn } from './icons.tsx';

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children && <p className="quiet">{children}</p>}
      {action}
    </div>
  );
}

/** An error in plain words, with a way on. */
export function Failed({ error, retry }: { error: CombinedError; retry?: () => void }) {
  const { title, text, requestId } = plainly(error);
  return (
    <div className="empty" role="alert">
      <p className="empty-title">
        <IconWarn /> {title}
      </p>
      <p className="quiet">{text}</p>
      {requestId && (
        <p className="quiet small">
          {texts.common.requestId} <code>{requestId}</code>
        </p>
      )}
      {retry && (
        <button type="button" className="button" onClick={retry}>
          {texts.common.retry}
        </button>
      )}
    </div>
  );
}

/** What is shown is older than it might be, and why. */
export function Behind({ error, retry }: { error: CombinedError; retry: () => void }) {
  const { title, text } = plainly(error);
  return (
    <div className="notice warn behind" role="alert">
      <p>
        <strong>{title}.</strong> {text}
      </p>
      <button type="button" className="button small-button" onClick={retry}>
        {texts.common.retry}
      </button>
    </div>
  );
}
