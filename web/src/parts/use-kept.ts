import { useRef } from 'react';

/**
 * What a query said last, also while it is asked again, and where that failed: rows that are a little old are better than
 * none. A component that turns to something else is given another `key` and begins anew.
 */
export function useKept<Data>(data: Data | undefined): Data | undefined {
  const kept = useRef(data);
  if (data !== undefined) kept.current = data;
  return kept.current;
}
