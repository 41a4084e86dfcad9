// What is searched for, how it is ordered and where one is: in the address, so that a list can be sent to somebody.

import type { RecordState } from '../../../gql/graphql.ts';
import { usePaging } from '../../../paging.ts';
import type { Order } from '../../../parts/table.tsx';
import { useSearch } from '../../../router.tsx';
import { useCompany } from '../context.ts';

export type RecordSort = 'NAME' | 'CREATED';
export const PAGE_SIZE = 50;

const states: Record<string, RecordState | undefined> = { active: 'ACTIVE', gone: 'DEACTIVATED', all: undefined };

export function useList() {
  const { company } = useCompany();
  const [search, change] = useSearch();
  const q = search.get('q') ?? '';
  const shown = search.get('show') ?? 'active';
  const sort = search.get('sort') ?? 'name';
  const order: Order<RecordSort> = {
    field: sort.endsWith('created') ? 'CREATED' : 'NAME',
    direction: sort.startsWith('-') ? 'DESC' : 'ASC',
  };
  const paging = usePaging(PAGE_SIZE, `${company.id} ${q} ${shown} ${sort}`);
  return {
    q,
    shown,
    order,
    paging,
    variables: {
      company: company.id,
      search: q || undefined,
      state: states[shown],
      orderBy: order,
      ...paging.page,
    },
    onSearch: (value: string) => change({ q: value }),
    onShow: (value: string) => change({ show: value === 'active' ? undefined : value }),
    onOrder: ({ field, direction }: Order<RecordSort>) => {
      const name = `${direction === 'DESC' ? '-' : ''}${field.toLowerCase()}`;
      change({ sort: name === 'name' ? undefined : name });
    },
    onOpen: (id: string) => change({ record: id }, true),
  };
}

export type List = ReturnType<typeof useList>;

/** Marks what the run that went while one looked has brought or changed. */
export function useFresh(): (row: { updatedAt: string }) => boolean {
  const { sync } = useCompany();
  const { revision, run } = sync;
  const since = revision > 0 && run ? Date.parse(run.startedAt ?? run.queuedAt) : Number.POSITIVE_INFINITY;
  return (row) => Date.parse(row.updatedAt) >= since;
}
