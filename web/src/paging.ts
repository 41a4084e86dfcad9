// Paging by keyset: a page begins behind or ends before a row, so it stays right while rows come and go.
//
// How many rows lie in front of it is another matter: nobody counts them. It is known at both ends of a list, and while
// one turns pages of a list that stays as long as it is; else it is not claimed.

import { useLayoutEffect, useState } from 'react';
import { useSearch } from './router.tsx';

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

/** What is shown of a list. */
export interface Shown {
  info: PageInfo;
  rows: number;
  total: number | undefined;
}

/** Where a list is turned to; neither at its start. */
export interface Place {
  after?: string | undefined;
  before?: string | undefined;
}

/** How many rows lay in front of a place when one turned to it, and how long the list was then. */
export type Known = Record<string, { offset: number; total: number | undefined }>;

export interface Paging {
  /** For the query's variables. */
  page: PageArguments;
  /** Whether it is turned away from its start. */
  isTurned: boolean;
  /** How many rows lie in front of what is shown, where that is known. */
  offset(shown: Shown): number | undefined;
  /** Turns the page where there is one to turn to, and says whether there is. */
  next(shown: Shown): boolean;
  previous(shown: Shown): boolean;
  restart(): void;
  /** Whether the rows of this page have gone, or it is the start and not full: the way on is from the start. */
  isAstray(shown: Shown): boolean;
}

const nameOf = (key: string, place: Place) => JSON.stringify([key, place.after, place.before]);

export function offsetOf(known: Known[string] | undefined, { info, rows, total }: Shown): number | undefined {
  if (!info.hasPreviousPage) return 0;
  if (!info.hasNextPage && total !== undefined) return total - rows;
  return known && known.total === total ? known.offset : undefined;
}

/** While the page that one turned to is on its way, the one that is left is shown. */
export function stillShown(known: Known[string] | undefined, place: Place, size: number, { info, rows }: Shown) {
  if (!known) return undefined;
  if (place.after && place.after === info.endCursor) return { ...known, offset: known.offset - rows };
  if (place.before && place.before === info.startCursor) return { ...known, offset: known.offset + size };
  return known;
}

export function isAstray(place: Place, size: number, { info, rows }: Shown): boolean {
  const isTurned = place.after !== undefined || place.before !== undefined;
  return isTurned && (rows === 0 || (!info.hasPreviousPage && info.hasNextPage && rows < size));
}

function useTurning(size: number, key: string, place: Place, turn: (to: Place) => void): Paging {
  const [known, setKnown] = useState<Known>({});
  const offset = (shown: Shown) => offsetOf(stillShown(known[nameOf(key, place)], place, size, shown), shown);
  const go = (to: Place, offset: number | undefined, total: number | undefined) => {
    if (offset !== undefined) setKnown({ ...known, [nameOf(key, to)]: { offset, total } });
    turn(to);
  };
  return {
    page: place.before ? { last: size, before: place.before } : { first: size, after: place.after },
    isTurned: place.after !== undefined || place.before !== undefined,
    offset,
    next: (shown) => {
      const { info, rows, total } = shown;
      if (!info.hasNextPage || !info.endCursor) return false;
      const from = offset(shown);
      go({ after: info.endCursor }, from === undefined ? undefined : from + rows, total);
      return true;
    },
    previous: (shown) => {
      const { info, total } = shown;
      if (!info.hasPreviousPage || !info.startCursor) return false;
      const from = offset(shown);
      // Near the start the first page is asked for instead, for it has to be full.
      if (from !== undefined && from <= size) turn({});
      else go({ before: info.startCursor }, from === undefined ? undefined : from - size, total);
      return true;
    },
    restart: () => turn({}),
    isAstray: (shown) => isAstray(place, size, shown),
  };
}

/** Paging of a list beside others. It begins at its start again when `key` (its search, order, filters) changes. */
export function usePaging(size: number, key: string): Paging {
  const [kept, setKept] = useState<{ key: string; place: Place }>({ key, place: {} });
  if (kept.key !== key) setKept({ key, place: {} });
  const place = kept.key === key ? kept.place : {};
  return useTurning(size, key, place, (to) => setKept({ key, place: to }));
}

/** What takes a list whose place is in the address back to its start; it goes with every change of what is listed. */
export const START = { after: undefined, before: undefined };

/** Paging of the list that a page is about: where it is turned to is in the address, to come back to and to send. */
export function useAddressPaging(size: number, key: string): Paging {
  const [search, change] = useSearch();
  const place = { after: search.get('after') ?? undefined, before: search.get('before') ?? undefined };
  return useTurning(size, key, place, (to) => {
    const isStart = !to.after && !to.before;
    change({ after: to.after, before: to.before }, !isStart);
  });
}

/** Goes back to the start where the page that one is on has gone. */
export function useWayBack(paging: Paging, shown: Shown | undefined) {
  const isLost = shown !== undefined && paging.isAstray(shown);
  useLayoutEffect(() => {
    if (isLost) paging.restart();
  });
}
