// The pages, by address. To add one: a folder beside this file, and a line here.
//
// The company page is part of the first script, for most visits begin there; the others are loaded when they are opened.

import type { ComponentType } from 'react';
import type { ViewerKind } from '../gql/graphql.ts';
import { later } from '../parts/later.tsx';
import { CompanyPage } from './company/company-page.tsx';

/** The parameters that the page's pattern found in the address. */
export type PageProps = { parameters: Record<string, string> };

interface Page {
  /** What `match` in `router.tsx` reads. */
  pattern: string;
  /** Whom it is for; others are told that there is nothing. */
  audience: ViewerKind;
  component: ComponentType<PageProps>;
}

const PortalPage = later(() => import('./portal/portal-page.tsx'));

export const pages: Page[] = [
  { pattern: '/', audience: 'STAFF', component: later(() => import('./clients/clients-page.tsx')) },
  { pattern: '/', audience: 'PORTAL_USER', component: PortalPage },
  // The addresses of staff, so that a link may be sent from one to the other.
  { pattern: '/companies/:id/:tab?', audience: 'PORTAL_USER', component: PortalPage },
  { pattern: '/companies/:id/:tab?', audience: 'STAFF', component: CompanyPage },
  { pattern: '/settings/:section?', audience: 'STAFF', component: later(() => import('./settings/settings-page.tsx')) },
];
