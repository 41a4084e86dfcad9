// Paging by keyset: a page begins behind or ends before a row, so it stays right while rows come and go.

import { useEffect, useMemo, useState } from 'react';

export interface PageArguments {
  first?: number;
  last?: number;
  after?: string;
  before?: string;
}

export interface PageInfo {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor?: string | null;
  endCursor?: string | null;
}

export interface Paging {
  /** For the query's variables. */
  page: PageArguments;
  /** How many rows lie in front of this page, as far as one came here by turning pages. */
  offset: number;
  next(info: PageInfo, shown: number): void;
  previous(info: PageInfo): void;
}

interface Place {
  key: string;
  page: PageArguments;
  offset: number;
}

/** Where a list is turned to. It begins at its start again when `key` (its search, order, filters) changes. */
export function usePaging(size: number, key: string): Paging {
  const start = useMemo<Place>(() => ({ key, page: { first: size }, offset: 0 }), [key, size]);
  const [kept, setPlace] = useState(start);
  const place = kept.key === key ? kept : start;
  useEffect(() => setPlace((now) => (now.key === key ? now : start)), [key, start]);
  return {
    page: place.page,
    offset: place.offset,
    next: (info, shown) => {
      if (info.hasNextPage && info.endCursor)
        setPlace({ key, page: { first: size, after: info.endCursor }, offset: place.offset + shown });
    },
    previous: (info) => {
      if (!info.hasPreviousPage || !info.startCursor) return;
      const offset = place.offset - size;
      // Near the start the first page is asked for instead, for it has to be full.
      setPlace(offset <= 0 ? start : { key, page: { last: size, before: info.startCursor }, offset });
    },
  };
}
