import { useEffect, useMemo } from 'react';
import { useQuery } from 'urql';
import { type Action, CompanyDocument } from '../../gql/graphql.ts';
import { useKept } from '../../parts/use-kept.ts';
import type { CompanyContext } from './context.ts';
import { useSync } from './sync/use-sync.ts';

/** Asks for a company, and again whenever a sync has changed it; `missing` once it is known that there is none. */
export function useCompanyPage(id: string) {
  const [{ data: answer, error }, ask] = useQuery({ query: CompanyDocument, variables: { id } });
  const data = useKept(answer);
  const company = data?.company;
  const sync = useSync(id, 'IDENTITY', company?.latestSync);
  const { revision } = sync;
  useEffect(() => {
    if (revision > 0) ask({ requestPolicy: 'network-only' });
  }, [revision, ask]);
  const context = useMemo<CompanyContext | null>(() => {
    if (!data || !company) return null;
    return {
      company,
      sync,
      may: (action: Action) => data.viewer.actions.includes(action),
      refresh: () => ask({ requestPolicy: 'network-only' }),
    };
  }, [data, company, sync, ask]);
  return {
    context,
    missing: data !== undefined && !company,
    /** None while there is something to show. */
    error: data ? undefined : error,
    retry: () => ask({ requestPolicy: 'network-only' }),
  };
}
