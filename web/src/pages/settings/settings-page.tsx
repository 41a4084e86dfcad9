// The settings of the MSP: who and what gets in, and who did what.

import { type ComponentType, Suspense } from 'react';
import type { Action } from '../../gql/graphql.ts';
import { NotFound } from '../../layout/not-found.tsx';
import { later } from '../../parts/later.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { useViewer } from '../../session.tsx';
import { words } from '../../texts/settings.ts';
import { useTitle } from '../../title.ts';
import type { PageProps } from '../register.ts';
import { SessionsTab } from './sessions-tab.tsx';
import './settings.css';

interface SettingsTab {
  /** Its part of the address. */
  key: string;
  label: string;
  /** What one has to be allowed to see it. */
  needs?: Action;
  component: ComponentType;
}

const tabs: SettingsTab[] = [
  {
    key: 'alarms',
    label: words.tabs.alarms,
    needs: 'VIEW_OPERATIONS',
    component: later(() => import('./alarms-tab.tsx')),
  },
  {
    key: 'tokens',
    label: words.tabs.tokens,
    needs: 'MANAGE_SERVICE_TOKENS',
    component: later(() => import('./tokens-tab.tsx')),
  },
  { key: 'sessions', label: words.tabs.sessions, component: SessionsTab },
  {
    key: 'audit',
    label: words.tabs.audit,
    needs: 'VIEW_AUDIT_TRAIL',
    component: later(() => import('./audit-tab.tsx')),
  },
];

export default function SettingsPage({ parameters }: PageProps) {
  const { actions } = useViewer();
  const shown = tabs.filter(({ needs }) => !needs || actions.includes(needs));
  const current = parameters.section ? shown.find(({ key }) => key === parameters.section) : shown[0];
  useTitle(current ? [current.label, words.title] : null);
  if (!current) return <NotFound />;
  const { component: Content } = current;
  return (
    <div>
      <h1>{words.title}</h1>
      <Tabs
        label={words.tabs.label}
        tabs={shown.map(({ key, label }) => ({ to: `/settings/${key}`, label, current: key === current.key }))}
      />
      <Suspense fallback={<Skeleton className="skeleton-rows" />}>
        <Content key={current.key} />
      </Suspense>
    </div>
  );
}
