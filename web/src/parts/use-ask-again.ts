import { useEffect, useState } from 'react';

/** Asks again whenever the revision of what is shown has grown since it was last asked for. */
export function useAskAgain(ask: (options: { requestPolicy: 'network-only' }) => void, revision: number) {
  const [asked, setAsked] = useState(revision);
  useEffect(() => {
    if (revision === asked) return;
    setAsked(revision);
    ask({ requestPolicy: 'network-only' });
  }, [revision, asked, ask]);
}
