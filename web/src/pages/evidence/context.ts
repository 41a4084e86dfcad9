// What the views of the evidence share: whose it is, as of when, and how to ask for it.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { createContext, useContext } from 'react';
import { type AnyVariables, type CombinedError, useQuery } from 'urql';
import { isOutdated } from '../../parts/is-outdated.ts';
import { useAskAgain } from '../../parts/use-ask-again.ts';
import { useKept } from '../../parts/use-kept.ts';

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

interface Asked<Data> {
  data: Data | undefined;
  /** None while there is something to show. */
  error: CombinedError | undefined;
  /** What is shown answers another question than the one asked now. */
  outdated: boolean;
  retry(): void;
}

/** Asks, and asks again when something was collected; what was answered before stays until then. */
export function useAsked<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  revision: number,
): Asked<Data> {
  const [{ data: answer, error, operation }, ask] = useQuery({ query, variables } as Parameters<
    typeof useQuery<Data, Variables>
  >[0]);
  const data = useKept(answer);
  useAskAgain(ask, revision);
  return {
    data,
    error: data ? undefined : error,
    outdated: isOutdated(operation, variables),
    retry: () => ask({ requestPolicy: 'network-only' }),
  };
}
