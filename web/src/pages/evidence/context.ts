// What the views of the evidence share: whose it is, and as of when.

import { createContext, useContext } from 'react';

export interface EvidenceContext {
  company: string;
  /** The instant that is looked at; undefined for now. */
  asOf: string | undefined;
  /** Grows whenever something was collected. */
  revision: number;
  mayDeclare: boolean;
}

export const Evidence = createContext<EvidenceContext | null>(null);

export function useEvidence(): EvidenceContext {
  const context = useContext(Evidence);
  if (!context) throw new Error('useEvidence is for what stands on the evidence tab');
  return context;
}
