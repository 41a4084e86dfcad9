// What stands where there is nothing to show, or where it could not be had.

import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { plainly } from '../errors.ts';
import { texts } from '../texts.ts';
import { IconWarn } from './icons.tsx';
import type { Asked } from './use-asked.ts';

interface EmptyProps {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** Where it stands in for what has a heading. */
  heading?: 'h1' | 'h2' | 'p';
}

export function Empty({ title, children, action, heading: Title = 'p' }: EmptyProps) {
  return (
    <div className="empty">
      <Title className="empty-title">{title}</Title>
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

interface AnswerProps<Data> {
  asked: Asked<Data>;
  /** What holds the place until there is an answer. */
  waiting: ReactNode;
  children(data: Data): ReactNode;
}

/** What was answered: dimmed while it answers another question, said to be old where it is, and else why there is none. */
export function Answer<Data>({ asked, waiting, children }: AnswerProps<Data>) {
  const { data, error, behind, outdated, retry } = asked;
  if (error) return <Failed error={error} retry={retry} />;
  if (data === undefined) return waiting;
  return (
    <>
      {behind && <Behind error={behind} retry={retry} />}
      <div className={outdated ? 'answer outdated' : 'answer'} aria-busy={outdated}>
        {children(data)}
      </div>
    </>
  );
}
