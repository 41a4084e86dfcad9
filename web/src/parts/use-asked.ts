// A question that stays asked: again when what it is about has changed, and when the line is back after it failed.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useCallback, useEffect, useRef } from 'react';
import { type AnyVariables, type CombinedError, useQuery } from 'urql';
import { codeOf, useLine } from '../client.ts';
import { useAskAgain } from './use-ask-again.ts';

export interface Asked<Data> {
  /** What was answered last, also while it is asked again: what is a little old is better than nothing. */
  data: Data | undefined;
  /** Why there is no answer. What was answered to another question is none. */
  error: CombinedError | undefined;
  /** Why the answer that is there could not be brought up to date. */
  behind: CombinedError | undefined;
  /** What is there answers another question than the one asked now: another page, search or order. */
  outdated: boolean;
  retry(): void;
}

/**
 * Asks, and asks again whenever `revision` has grown. A component that turns to something else is given another `key`
 * and begins anew.
 */
export function useAsked<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  revision = 0,
): Asked<Data> {
  const [{ data, error, operation, fetching }, ask] = useQuery({ query, variables } as Parameters<
    typeof useQuery<Data, Variables>
  >[0]);
  const kept = useRef<{ data: Data; of: string } | undefined>(undefined);
  // Where nothing could be had at all, the data is null.
  if (data) kept.current = { data, of: JSON.stringify(operation?.variables) };
  const isAnswer = kept.current?.of === JSON.stringify(variables);
  const retry = useCallback(() => ask({ requestPolicy: 'network-only' }), [ask]);
  useAskAgain(ask, revision);
  useOnReturn(retry, codeOf(error) === 'NETWORK' && !fetching);
  return {
    data: kept.current?.data,
    error: isAnswer ? undefined : error,
    behind: isAnswer ? error : undefined,
    outdated: kept.current !== undefined && !isAnswer,
    retry,
  };
}

/** Asks again as soon as the line for live updates is back, where there was nobody to answer. */
function useOnReturn(retry: () => void, unanswered: boolean) {
  const line = useLine();
  const before = useRef(line);
  useEffect(() => {
    const isBack = line === 'live' && before.current !== 'live';
    before.current = line;
    if (isBack && unanswered) retry();
  });
}
