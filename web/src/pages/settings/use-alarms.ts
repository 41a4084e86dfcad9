// Alarms, live: they are asked for again whenever one opens or closes.

import { useEffect, useRef } from 'react';
import { useSubscription } from 'urql';
import { AlarmChangedDocument } from '../../gql/graphql.ts';

export function useOnAlarm(tell: () => void, pause = false) {
  const [{ data }] = useSubscription({ query: AlarmChangedDocument, pause });
  const known = useRef(tell);
  known.current = tell;
  // The first is how things stood already.
  const isFirst = useRef(true);
  useEffect(() => {
    if (!data) return;
    if (!isFirst.current) known.current();
    isFirst.current = false;
  }, [data]);
}
