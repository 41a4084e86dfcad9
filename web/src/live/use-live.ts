// Subscriptions as the page uses them: one that breaks begins again, and what was missed meanwhile can be asked for.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useEffect, useEffectEvent, useRef } from 'react';
import { type AnyVariables, useSubscription } from 'urql';
import { useLine } from '../client.ts';

const AGAIN_AFTER = 10_000;

/** What a subscription said last. A line that is cut is the transport's to mend; here is mended what ended in an error. */
export function useLive<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  pause = false,
): Data | undefined {
  const [{ data, error }, begin] = useSubscription<Data, Data, Variables>({ query, variables, pause } as Parameters<
    typeof useSubscription<Data, Data, Variables>
  >[0]);
  useEffect(() => {
    if (!error || pause) return;
    const timer = setTimeout(begin, AGAIN_AFTER);
    return () => clearTimeout(timer);
  }, [error, pause, begin]);
  return data;
}

/** Tells of each thing that a subscription says, but for the first where that is only how things stood already. */
export function useOnNews(said: unknown, tell: () => void, { firstIsKnown = false } = {}) {
  const isKnown = useRef(firstIsKnown);
  const told = useEffectEvent(tell);
  useEffect(() => {
    if (said === undefined) return;
    if (!isKnown.current) told();
    isKnown.current = false;
  }, [said]);
}

/** Tells when the line is live again after it was lost: more may have happened than was heard. */
export function useOnLineBack(tell: () => void) {
  const line = useLine();
  const wasLost = useRef(false);
  const told = useEffectEvent(tell);
  useEffect(() => {
    if (line === 'lost') wasLost.current = true;
    if (line !== 'live' || !wasLost.current) return;
    wasLost.current = false;
    told();
  }, [line]);
}
