// The syncs of a company, live. The subscription brings the whole run at each change, so nothing is pieced together here.

import { useState } from 'react';
import { type RunFragment, type SyncKind, SyncStatusDocument } from '../../../gql/graphql.ts';
import { useLive, useOnLineBack } from '../../../live/use-live.ts';
import { type Heard, hear } from './hear.ts';
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
  const said = useLive(SyncStatusDocument, { company: companyId, kind })?.syncStatus;
  const { run: live, decisions } = useHeard(said);
  const run = live === undefined ? known : live;
  const revision = useRevision(run) + decisions;
  const progress = useProgress(run);
  return { run, progress, revision };
}

const NOTHING: Heard = { run: undefined, decisions: 0 };

function useHeard(said: RunFragment | null | undefined): Heard {
  const [heard, setHeard] = useState({ ...NOTHING, said: undefined as typeof said });
  if (said !== undefined && said !== heard.said) setHeard({ ...hear(heard, said), said });
  return heard;
}

/** Counts what makes lists out of date: a kind was written, or the run ended. */
function useRevision(run: RunFragment | null | undefined): number {
  const state = run === undefined ? undefined : run ? `${run.id} ${isActive(run)} ${written(run)}` : 'none';
  const [seen, setSeen] = useState(state);
  const [changes, setChanges] = useState(0);
  if (state !== undefined && state !== seen) {
    setSeen(state);
    if (seen !== undefined) setChanges(changes + 1);
  }
  // While the line was down, more may have changed than the run shows.
  const [returns, setReturns] = useState(0);
  useOnLineBack(() => setReturns((now) => now + 1));
  return changes + returns;
}

function useProgress(run: RunFragment | null | undefined): number | null {
  const [highest, setHighest] = useState<{ id: string; percent: number } | null>(null);
  const before = run && highest?.id === run.id ? highest.percent : null;
  if (!run || run.progress === null) return before;
  const percent = Math.max(before ?? 0, run.progress);
  if (percent !== before) setHighest({ id: run.id, percent });
  return percent;
}
