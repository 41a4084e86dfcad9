// A question that stays asked: again when what it is about has changed, and when the line is back after it failed.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useCallback, useEffect, useRef } from 'react';
import { type AnyVariables, type CombinedError, useQuery } from 'urql';
import { codeOf, useLine } from '../client.ts';
import { isOutdated } from './is-outdated.ts';
import { useAskAgain } from './use-ask-again.ts';
import { useKept } from './use-kept.ts';

export interface Asked<Data> {
  data: Data | undefined;
  /** None while there is something to show. */
  error: CombinedError | undefined;
  /** Why what is shown could not be brought up to date. */
  behind: CombinedError | undefined;
  /** What is shown may answer another question than the one asked now. */
  outdated: boolean;
  retry(): void;
}

/** Asks, and asks again whenever `revision` has grown; what was answered before stays until then. */
export function useAsked<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  revision = 0,
): Asked<Data> {
  const [{ data: answer, error, operation, fetching }, ask] = useQuery({ query, variables } as Parameters<
    typeof useQuery<Data, Variables>
  >[0]);
  const data = useKept(answer);
  const retry = useCallback(() => ask({ requestPolicy: 'network-only' }), [ask]);
  useAskAgain(ask, revision);
  useOnReturn(retry, codeOf(error) === 'NETWORK' && !fetching);
  return {
    data,
    error: data ? undefined : error,
    behind: data ? error : undefined,
    outdated: isOutdated(operation, variables) || (data !== undefined && error !== undefined),
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
