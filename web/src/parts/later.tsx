// Parts of the page that are loaded when they are opened. One that cannot be had takes nothing else down, and is asked
// for again.

import { type ComponentType, lazy, useEffect, useState } from 'react';
import { Boundary } from '../layout/boundary.tsx';
import { useOnLineBack } from '../live/use-live.ts';

type Load<Props> = () => Promise<{ default: ComponentType<Props> }>;

/** A component that is loaded when it is first shown. What stands around it holds its place until then: `Suspense`. */
export function later<Props extends object>(load: Load<Props>): ComponentType<Props> {
  let hasFailed = false;
  const begin = () =>
    lazy(() =>
      load().catch((error: unknown) => {
        hasFailed = true;
        throw error;
      }),
    );
  let part = begin();
  // React keeps for good that it failed. It is begun afresh by whoever comes next, not by the one who is being told.
  const renew = () => {
    if (hasFailed) part = begin();
    hasFailed = false;
  };
  return function Later(props: Props) {
    const [{ Part, attempt }, setShown] = useState({ Part: part, attempt: 0 });
    useEffect(() => renew, []);
    const again = () => {
      renew();
      askForStylesAgain();
      setShown({ Part: part, attempt: attempt + 1 });
    };
    useOnLineBack(() => hasFailed && again());
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
    if (!hasRules(link)) link.replaceWith(link.cloneNode());
}

function hasRules({ sheet }: HTMLLinkElement): boolean {
  try {
    return (sheet?.cssRules.length ?? 0) > 0;
  } catch {
    // What did not come from here, such as an error, does not let itself be read.
    return false;
  }
}
