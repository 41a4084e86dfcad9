// What every part of the settings is made of: a card with a heading, and words about what came of a click.

import { type ReactNode, useId } from 'react';

interface Props {
  title: string;
  text?: ReactNode;
  children: ReactNode;
}

export function Section({ title, text, children }: Props) {
  const heading = useId();
  return (
    <section className="card settings-section" aria-labelledby={heading}>
      <header>
        <h2 id={heading}>{title}</h2>
        {text && <p className="quiet">{text}</p>}
      </header>
      {children}
    </section>
  );
}

/** What came of the last click; it keeps its place so that a screen reader hears it. */
export function Outcome({ refused, done }: { refused: string | null; done?: string | null }) {
  return (
    <>
      {refused && (
        <p className="notice bad" role="alert">
          {refused}
        </p>
      )}
      <p className={done ? 'notice good' : 'sr-only'} role="status">
        {done}
      </p>
    </>
  );
}
