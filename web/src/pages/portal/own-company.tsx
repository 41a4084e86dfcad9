// A company as somebody of its own sees it who may see all of it: to look, not to change.

import { NotFound } from '../../layout/not-found.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Failed } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { words } from '../../texts/portal.ts';
import { CompanyBody } from '../company/company-body.tsx';
import { Company, useCompany } from '../company/context.ts';
import { companyTabs } from '../company/tabs.ts';
import { useCompanyPage } from '../company/use-company-page.ts';
import '../company/company.css';

const tabs = companyTabs.filter(({ key }) => ['contacts', 'groups', 'assets', 'evidence'].includes(key));

export function OwnCompany({ id, tab }: { id: string; tab: string | undefined }) {
  const { context, missing, error, retry } = useCompanyPage(id);
  if (error) return <Failed error={error} retry={retry} />;
  if (missing) return <NotFound />;
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
      <CompanyBody tabs={tabs} label={words.tabs} tab={tab} />
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
