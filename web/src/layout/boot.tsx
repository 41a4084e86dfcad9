import { Skeleton } from '../parts/skeleton.tsx';

/** What stands there until it is known who is signed in: the page's outline, so that nothing jumps. */
export function Boot() {
  return (
    <>
      <div className="topbar" />
      <main className="page" aria-busy="true">
        <Skeleton className="skeleton-title" />
        <Skeleton className="skeleton-card" />
        <Skeleton className="skeleton-rows" />
      </main>
    </>
  );
}
