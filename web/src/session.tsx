// Who is signed in. Everything inside `<Session>` may count on there being somebody.

import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { codeOf, onSignedOut } from './client.ts';
import { type Action, ViewerDocument, type ViewerQuery } from './gql/graphql.ts';
import { Boot } from './layout/boot.tsx';
import { Welcome } from './layout/welcome.tsx';
import { Failed } from './parts/states.tsx';
import { PATIENCE } from './patience.ts';

export type Viewer = ViewerQuery['viewer'];

const Context = createContext<Viewer | null>(null);

/** Whoever is signed in. */
export function useViewer(): Viewer {
  const viewer = useContext(Context);
  if (!viewer) throw new Error('useViewer is for what stands inside <Session>');
  return viewer;
}

/** Whether the viewer may do this to anything at all; a company's own `actions` say it of that company. */
export function useMay(action: Action): boolean {
  return useViewer().actions.includes(action);
}

export function Session({ children }: { children: ReactNode }) {
  const [{ data, error, fetching }, ask] = useQuery({ query: ViewerDocument, requestPolicy: 'network-only' });
  const [ended, setEnded] = useState(false);
  useEffect(() => onSignedOut(() => setEnded(true)), []);
  const isSignedOut = ended || codeOf(error) === 'UNAUTHENTICATED';
  useEffect(() => {
    // Whoever signed in in another tab goes on here where they were.
    if (!isSignedOut) return;
    const look = async () => {
      if (document.visibilityState !== 'visible') return;
      if (await isSignedIn()) location.reload();
    };
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, [isSignedOut]);

  if (isSignedOut) return <Welcome wasSignedIn={data !== undefined} />;
  if (data) return <Context value={data.viewer}>{children}</Context>;
  if (error)
    return (
      <main className="welcome">
        <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />
      </main>
    );
  return fetching ? <Boot /> : null;
}

async function isSignedIn(): Promise<boolean> {
  try {
    const answer = await fetch('/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query: '{ viewer { kind } }' }),
      signal: AbortSignal.timeout(PATIENCE),
    });
    return answer.ok;
  } catch {
    return false;
  }
}
