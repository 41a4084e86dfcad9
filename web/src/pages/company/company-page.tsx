// The page of one company: how its syncs stand, and what they keep.

import { useEffect } from 'react';
import { NotFound } from '../../layout/not-found.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Behind, Failed } from '../../parts/states.tsx';
import { useSearch } from '../../router.tsx';
import { texts } from '../../texts.ts';
import { useTitle } from '../../title.ts';
import type { PageProps } from '../register.ts';
import { CompanyBody } from './company-body.tsx';
import { Company, useCompany } from './context.ts';
import { HeldChanges } from './sync/held-changes.tsx';
import { SyncPanel } from './sync/sync-panel.tsx';
import { companyTabs } from './tabs.ts';
import { useCompanyPage } from './use-company-page.ts';
import './company.css';

export function CompanyPage({ parameters }: PageProps) {
  return <One key={parameters.id} id={parameters.id ?? ''} tab={parameters.tab} />;
}

function One({ id, tab }: { id: string; tab: string | undefined }) {
  const { context, missing, error, behind, retry } = useCompanyPage(id);
  useArrival();

  if (error) return <Failed error={error} retry={retry} />;
  if (missing) return <NotFound />;
  if (!context) return <Loading />;
  return (
    <Company value={context}>
      <Head />
      {behind && <Behind error={behind} retry={retry} />}
      <SyncPanel />
      <HeldChanges />
      <CompanyBody tabs={companyTabs} label={texts.company.tabs.label} tab={tab} />
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

function Loading() {
  useTitle([]);
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
