// The tabs of the company page. To add one: a component, and a line here.

import { type ComponentType, lazy } from 'react';
import type { Action } from '../../gql/graphql.ts';
import { texts } from '../../texts.ts';
import { AssetsTab, ContactsTab, GroupsTab } from './records/record-list.tsx';
import { RunsTab } from './runs/runs-tab.tsx';

export interface CompanyTab {
  /** Its part of the address. */
  key: string;
  label: string;
  /** What one has to be allowed to see it. */
  needs?: Action;
  component: ComponentType;
}

export const companyTabs: CompanyTab[] = [
  { key: 'contacts', label: texts.company.tabs.contacts, needs: 'VIEW_RECORDS', component: ContactsTab },
  { key: 'groups', label: texts.company.tabs.groups, needs: 'VIEW_RECORDS', component: GroupsTab },
  { key: 'assets', label: texts.company.tabs.assets, needs: 'VIEW_RECORDS', component: AssetsTab },
  { key: 'runs', label: texts.company.tabs.runs, needs: 'VIEW_SYNC', component: RunsTab },
  {
    key: 'evidence',
    label: texts.company.tabs.evidence,
    needs: 'VIEW_EVIDENCE',
    component: lazy(() => import('../evidence/evidence-tab.tsx')),
  },
  {
    key: 'settings',
    label: texts.company.tabs.settings,
    needs: 'VIEW_SYNC',
    component: lazy(() => import('../settings/company-settings-tab.tsx')),
  },
];
