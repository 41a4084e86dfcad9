// The page of one company: how its syncs stand, and what they keep.

import { Suspense, useEffect, useMemo } from 'react';
import { useQuery } from 'urql';
import { type Action, CompanyDocument } from '../../gql/graphql.ts';
import { NotFound } from '../../layout/not-found.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Failed } from '../../parts/states.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { useKept } from '../../parts/use-kept.ts';
import { useSearch } from '../../router.tsx';
import { texts } from '../../texts.ts';
import type { PageProps } from '../register.ts';
import { Company, type CompanyContext, useCompany } from './context.ts';
import { HeldChanges } from './sync/held-changes.tsx';
import { SyncPanel } from './sync/sync-panel.tsx';
import { useSync } from './sync/use-sync.ts';
import { companyTabs } from './tabs.ts';
import './company.css';

export function CompanyPage({ parameters }: PageProps) {
  return <One key={parameters.id} id={parameters.id ?? ''} tab={parameters.tab} />;
}

function One({ id, tab }: { id: string; tab: string | undefined }) {
  const [{ data: answer, error }, ask] = useQuery({ query: CompanyDocument, variables: { id } });
  const data = useKept(answer);
  const company = data?.company;
  const sync = useSync(id, 'IDENTITY', company?.latestSync);
  const { revision } = sync;
  useEffect(() => {
    if (revision > 0) ask({ requestPolicy: 'network-only' });
  }, [revision, ask]);
  useTitle(company?.name);
  useArrival();

  const context = useMemo<CompanyContext | null>(() => {
    if (!data || !company) return null;
    return {
      company,
      sync,
      may: (action: Action) => data.viewer.actions.includes(action),
      refresh: () => ask({ requestPolicy: 'network-only' }),
    };
  }, [data, company, sync, ask]);

  if (error && !data) return <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />;
  if (data && !company) return <NotFound />;
  if (!context) return <Loading />;
  return (
    <Company value={context}>
      <Head />
      <SyncPanel />
      <HeldChanges />
      <Body tab={tab} />
    </Company>
  );
}

/** Takes the mark that a way to Microsoft leaves out of the address: the panel shows how things stand anyhow. */
function useArrival() {
  const [search, change] = useSearch();
  const arrived = search.has('connected');
  useEffect(() => {
    if (arrived) change({ connected: undefined });
  }, [arrived, change]);
}

function useTitle(name: string | undefined) {
  useEffect(() => {
    if (!name) return;
    document.title = `${name} · Tenantry`;
    return () => {
      document.title = 'Tenantry';
    };
  }, [name]);
}

function Head() {
  const { company } = useCompany();
  return (
    <header className="company-head">
      <h1>{company.name}</h1>
      <p className="quiet">
        {[company.tenant?.domain, company.externalId && texts.company.externalId(company.externalId)]
          .filter(Boolean)
          .join(' · ')}
      </p>
    </header>
  );
}

function Body({ tab }: { tab: string | undefined }) {
  const { company, may } = useCompany();
  const shown = companyTabs.filter((candidate) => !candidate.needs || may(candidate.needs));
  const current = tab === undefined ? shown[0] : shown.find((candidate) => candidate.key === tab);
  if (!current) return <NotFound />;
  const counts: Record<string, number> = {
    contacts: company.contacts.totalCount,
    groups: company.groups.totalCount,
    assets: company.assets.totalCount,
  };
  const { component: Content } = current;
  return (
    <section className="company-body" aria-label={current.label}>
      <Tabs
        label={texts.company.tabs.label}
        tabs={shown.map(({ key, label }) => ({
          to: `/companies/${encodeURIComponent(company.id)}/${key}`,
          label,
          count: counts[key],
          current: key === current.key,
        }))}
      />
      <Suspense fallback={<Skeleton className="skeleton-rows" />}>
        <Content key={current.key} />
      </Suspense>
    </section>
  );
}

function Loading() {
  return (
    <div aria-busy="true">
      <div className="company-head">
        <Skeleton className="skeleton-title" />
      </div>
      <Skeleton className="skeleton-card sync-skeleton" />
      <Skeleton className="skeleton-rows" />
    </div>
  );
}
