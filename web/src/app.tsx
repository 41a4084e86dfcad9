import { Suspense } from 'react';
import { Provider } from 'urql';
import { client } from './client.ts';
import { Boundary } from './layout/boundary.tsx';
import { Frame } from './layout/frame.tsx';
import { NotFound } from './layout/not-found.tsx';
import { pages } from './pages/register.ts';
import { Skeleton } from './parts/skeleton.tsx';
import { match, usePath } from './router.tsx';
import { Session, useViewer } from './session.tsx';

export function App() {
  return (
    <Provider value={client}>
      <Boundary>
        <Session>
          <Frame>
            <Suspense fallback={<Loading />}>
              <Page />
            </Suspense>
          </Frame>
        </Session>
      </Boundary>
    </Provider>
  );
}

function Page() {
  const path = usePath();
  const viewer = useViewer();
  for (const page of pages) {
    const parameters = match(page.pattern, path);
    if (parameters && page.audience === viewer.kind) {
      const { component: Component } = page;
      return <Component parameters={parameters} />;
    }
  }
  return <NotFound />;
}

function Loading() {
  return (
    <div aria-busy="true">
      <Skeleton className="skeleton-title" />
      <Skeleton className="skeleton-rows" />
    </div>
  );
}
