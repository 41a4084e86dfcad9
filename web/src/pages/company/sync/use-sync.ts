// The syncs of a company, live. The subscription brings the whole run at each change, so nothing is pieced together here.

import { useEffect, useRef, useState } from 'react';
import { useSubscription } from 'urql';
import { useLine } from '../../../client.ts';
import { type RunFragment, type SyncKind, SyncStatusDocument } from '../../../gql/graphql.ts';
import { isActive, written } from './standing.ts';

export interface Sync {
  /** The run under way, else the newest; null while there is none, undefined until that is known. */
  run: RunFragment | null | undefined;
  /** In percent, never less than it was for this run; null where it cannot be told. */
  progress: number | null;
  /** Grows whenever records may have changed: lists ask again. */
  revision: number;
}

/**
 * Watches the syncs of one kind. `known` is what a query has told already. `kind` says which clock is watched; the
 * evidence has its own.
 */
export function useSync(companyId: string, kind: SyncKind, known: RunFragment | null | undefined): Sync {
  const [{ data, error }, begin] = useSubscription({
    query: SyncStatusDocument,
    variables: { company: companyId, kind },
  });
  useEffect(() => {
    if (!error) return;
    const timer = setTimeout(begin, 10_000);
    return () => clearTimeout(timer);
  }, [error, begin]);

  const live = data?.syncStatus;
  const run = live === undefined ? known : live;
  const revision = useRevision(run);
  const progress = useProgress(run);
  return { run, progress, revision };
}

/** Counts what makes lists out of date: a kind was written, or the run ended. */
function useRevision(run: RunFragment | null | undefined): number {
  const [revision, setRevision] = useState(0);
  const seen = useRef<string | undefined>(undefined);
  const state = run === undefined ? undefined : run ? `${run.id} ${isActive(run)} ${written(run)}` : 'none';
  useEffect(() => {
    if (state === undefined) return;
    if (seen.current !== undefined && seen.current !== state) setRevision((now) => now + 1);
    seen.current = state;
  }, [state]);
  // While the line was down, more may have changed than the run shows.
  const line = useLine();
  const wasLost = useRef(false);
  useEffect(() => {
    if (line === 'lost') wasLost.current = true;
    if (line !== 'live' || !wasLost.current) return;
    wasLost.current = false;
    setRevision((now) => now + 1);
  }, [line]);
  return revision;
}

function useProgress(run: RunFragment | null | undefined): number | null {
  const highest = useRef<{ id: string; percent: number } | null>(null);
  if (!run || run.progress === null) return run && highest.current?.id === run.id ? highest.current.percent : null;
  const before = highest.current?.id === run.id ? highest.current.percent : 0;
  highest.current = { id: run.id, percent: Math.max(before, run.progress) };
  return highest.current.percent;
}
