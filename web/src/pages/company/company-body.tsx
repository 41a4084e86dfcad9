// What a company keeps, a tab each.

import { Suspense } from 'react';
import { NotFound } from '../../layout/not-found.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { useTitle } from '../../title.ts';
import { useCompany } from './context.ts';
import type { CompanyTab } from './tabs.ts';

interface Props {
  tabs: CompanyTab[];
  label: string;
  /** The one that the address names; the first where it names none. */
  tab: string | undefined;
}

export function CompanyBody({ tabs, label, tab }: Props) {
  const { company, may } = useCompany();
  const shown = tabs.filter((candidate) => !candidate.needs || may(candidate.needs));
  const current = tab === undefined ? shown[0] : shown.find((candidate) => candidate.key === tab);
  useTitle(current && !current.titlesItself ? [current.label, company.name] : null);
  if (!current) return <NotFound within />;
  const counts: Record<string, number> = {
    contacts: company.contacts.totalCount,
    groups: company.groups.totalCount,
    assets: company.assets.totalCount,
  };
  const { component: Content } = current;
  return (
    <section className="company-body" aria-label={current.label}>
      <Tabs
        label={label}
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
