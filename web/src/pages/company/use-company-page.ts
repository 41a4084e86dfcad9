import { useEffect, useMemo } from 'react';
import { type Action, CompanyDocument } from '../../gql/graphql.ts';
import { useAsked } from '../../parts/use-asked.ts';
import type { CompanyContext } from './context.ts';
import { useSync } from './sync/use-sync.ts';

/** Asks for a company, and again whenever a sync has changed it; `missing` once it is known that there is none. */
export function useCompanyPage(id: string) {
  const { data, error, retry } = useAsked(CompanyDocument, { id });
  const company = data?.company;
  const sync = useSync(id, 'IDENTITY', company?.latestSync);
  const { revision } = sync;
  useEffect(() => {
    if (revision > 0) retry();
  }, [revision, retry]);
  const context = useMemo<CompanyContext | null>(() => {
    if (!data || !company) return null;
    return {
      company,
      sync,
      may: (action: Action) => data.viewer.actions.includes(action),
      refresh: retry,
    };
  }, [data, company, sync, retry]);
  return { context, missing: data !== undefined && !company, error, retry };
}
