// Parts of the page that are loaded when they are opened. One that cannot be had takes nothing else down, and is asked
// for again.

import { type ComponentType, lazy, useState } from 'react';
import { Boundary } from '../layout/boundary.tsx';

type Load<Props> = () => Promise<{ default: ComponentType<Props> }>;

/** A component that is loaded when it is first shown. What stands around it holds its place until then: `Suspense`. */
export function later<Props extends object>(load: Load<Props>): ComponentType<Props> {
  // React keeps what came of loading for good, also that it failed; whoever comes next begins afresh.
  const begin = () =>
    lazy(() =>
      load().catch((error: unknown) => {
        part = begin();
        throw error;
      }),
    );
  let part = begin();
  return function Later(props: Props) {
    const [{ Part, attempt }, setShown] = useState({ Part: part, attempt: 0 });
    const again = () => {
      askForStylesAgain();
      setShown({ Part: part, attempt: attempt + 1 });
    };
    return (
      <Boundary key={attempt} again={again}>
        <Part {...props} />
      </Boundary>
    );
  };
}

/** A style sheet that could not be had stays in the document, empty, and would not be asked for a second time. */
function askForStylesAgain() {
  for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel=stylesheet]'))
    if (!link.sheet) link.replaceWith(link.cloneNode());
}
