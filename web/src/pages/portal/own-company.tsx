// A company as somebody of its own sees it who may see all of it: to look, not to change.

import { Suspense, useEffect, useMemo } from 'react';
import { useQuery } from 'urql';
import { CompanyDocument } from '../../gql/graphql.ts';
import { NotFound } from '../../layout/not-found.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Failed } from '../../parts/states.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { Time } from '../../parts/time.tsx';
import { useKept } from '../../parts/use-kept.ts';
import { words } from '../../texts/portal.ts';
import { Company, type CompanyContext, useCompany } from '../company/context.ts';
import { useSync } from '../company/sync/use-sync.ts';
import { companyTabs } from '../company/tabs.ts';
import '../company/company.css';

const shown = ['contacts', 'groups', 'assets', 'evidence'];

export function OwnCompany({ id, tab }: { id: string; tab: string | undefined }) {
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
      may: (action) => data.viewer.actions.includes(action),
      refresh: () => ask({ requestPolicy: 'network-only' }),
    };
  }, [data, company, sync, ask]);
  if (error && !data) return <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />;
  if (data && !company) return <NotFound />;
  if (!context)
    return (
      <div aria-busy="true">
        <Skeleton className="skeleton-title" />
        <Skeleton className="skeleton-rows" />
      </div>
    );
  return (
    <Company value={context}>
      <Head />
      <Body tab={tab} />
    </Company>
  );
}

function Head() {
  const { company } = useCompany();
  const at = company.latestSync?.finishedAt;
  return (
    <header className="portal-head">
      <h1>{company.name}</h1>
      <p className="quiet">
        {words.manager}{' '}
        {at ? (
          <>
            {words.seen} <Time at={at} as="relative" />.
          </>
        ) : (
          `${words.never}.`
        )}
      </p>
    </header>
  );
}

function Body({ tab }: { tab: string | undefined }) {
  const { company, may } = useCompany();
  const tabs = companyTabs.filter((one) => shown.includes(one.key) && (!one.needs || may(one.needs)));
  const current = tab === undefined ? tabs[0] : tabs.find((one) => one.key === tab);
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
        label={words.tabs}
        tabs={tabs.map(({ key, label }) => ({
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
