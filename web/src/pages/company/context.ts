// What the parts of the company page share.

import { createContext, useContext } from 'react';
import type { Action, CompanyQuery } from '../../gql/graphql.ts';
import type { Sync } from './sync/use-sync.ts';

export interface CompanyContext {
  company: NonNullable<CompanyQuery['company']>;
  /** How the syncs of contacts, groups and assets stand, live. */
  sync: Sync;
  /** What the viewer may do to this company. */
  may(action: Action): boolean;
  /** Asks for the company again, such as after its tenant changed. */
  refresh(): void;
}

export const Company = createContext<CompanyContext | null>(null);

/** The company whose page this is. */
export function useCompany(): CompanyContext {
  const context = useContext(Company);
  if (!context) throw new Error('useCompany is for what stands on the company page');
  return context;
}
