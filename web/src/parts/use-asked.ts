// A question that stays asked: again when what it is about has changed, and when the line is back after it failed.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useCallback, useEffect, useRef, useState } from 'react';
import { type AnyVariables, useQuery } from 'urql';
import { isUnanswered, useLine } from '../client.ts';
import { type Answered, answered, type Kept, keep } from './answers.ts';
import { useAskAgain } from './use-ask-again.ts';

export interface Asked<Data> extends Answered<Data> {
  retry(): void;
}

/**
 * Asks, and asks again whenever `revision` has grown. A component that turns to something else is given another `key`
 * and begins anew. Nothing is asked while `pause` is set.
 */
export function useAsked<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  revision = 0,
  { pause = false } = {},
): Asked<Data> {
  const [came, ask] = useQuery({ query, variables, pause } as Parameters<typeof useQuery<Data, Variables>>[0]);
  const [before, setKept] = useState<Kept<Data>>();
  const kept = keep(before, came);
  if (kept !== before) setKept(kept);
  const retry = useCallback(() => ask({ requestPolicy: 'network-only' }), [ask]);
  useAskAgain(ask, revision);
  useOnReturn(retry, isUnanswered(came.error) && !came.fetching);
  return { ...answered(kept, came, variables), retry };
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
