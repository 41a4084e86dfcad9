// What groups are called of which only Microsoft's ids are known.
//
// Rules name groups by those ids, and the API finds a group by its name or by its own id alone: the groups are gone
// through page by page, until each is named or there are no more. Where no group is chosen nothing is asked.

import { useEffect, useState } from 'react';
import { GroupNamesDocument } from '../../gql/graphql.ts';
import { useAsked } from '../../parts/use-asked.ts';

interface Known {
  names: ReadonlyMap<string, string | null>;
  /** Behind which the next page begins. */
  after: string | undefined;
  isAll: boolean;
}

const NONE: Known = { names: new Map(), after: undefined, isAll: false };

export function useGroupNames(company: string, entraIds: string[]) {
  const [known, setKnown] = useState(NONE);
  const { names, after, isAll } = known;
  const pause = isAll || entraIds.every((id) => names.has(id));
  const { data, error, outdated, retry } = useAsked(GroupNamesDocument, { company, after }, 0, { pause });
  const page = outdated ? undefined : data?.company?.groups;
  useEffect(() => {
    if (!page) return;
    const { hasNextPage, endCursor } = page.pageInfo;
    setKnown(({ names, after }) => ({
      names: new Map([...names, ...page.edges.map(({ node }) => [node.entraId, node.displayName] as const)]),
      after: hasNextPage && endCursor ? endCursor : after,
      isAll: !hasNextPage,
    }));
  }, [page]);
  return { names, isAll, error, retry };
}
