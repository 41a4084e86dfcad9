import { useCallback, useEffect, useMemo, useState } from 'react';
import { type Action, CompanyDocument } from '../../gql/graphql.ts';
import { useAsked } from '../../parts/use-asked.ts';
import type { CompanyContext } from './context.ts';
import { useSync } from './sync/use-sync.ts';

/** Asks for a company, and again whenever a sync has changed it; `missing` once it is known that there is none. */
export function useCompanyPage(id: string) {
  const { data, error, behind, retry } = useAsked(CompanyDocument, { id });
  const company = data?.company;
  const live = useSync(id, 'IDENTITY', company?.latestSync);
  // What somebody did on the page changes records as a sync does.
  const [deeds, setDeeds] = useState(0);
  const refresh = useCallback(() => setDeeds((now) => now + 1), []);
  const { run, progress } = live;
  const revision = live.revision + deeds;
  useEffect(() => {
    if (revision > 0) retry();
  }, [revision, retry]);
  const context = useMemo<CompanyContext | null>(() => {
    if (!data || !company) return null;
    return {
      company,
      sync: { run, progress, revision },
      may: (action: Action) => data.viewer.actions.includes(action),
      refresh,
    };
  }, [data, company, run, progress, revision, refresh]);
  return { context, missing: data !== undefined && !company, error, behind, retry };
}
