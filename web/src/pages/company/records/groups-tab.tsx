import { useQuery } from 'urql';
import { GroupsDocument, type GroupsQuery } from '../../../gql/graphql.ts';
import { isOutdated } from '../../../parts/is-outdated.ts';
import type { Column } from '../../../parts/table.tsx';
import { useKept } from '../../../parts/use-kept.ts';
import { texts } from '../../../texts.ts';
import { RecordList } from './record-list.tsx';
import { StatePill } from './state-pill.tsx';
import { type RecordSort, useList, useRefetch } from './use-list.ts';

type Group = NonNullable<GroupsQuery['company']>['groups']['edges'][number]['node'];

const columns: Column<Group, RecordSort>[] = [
  {
    key: 'name',
    title: texts.fields.displayName,
    sort: 'NAME',
    cell: (row) => row.displayName ?? texts.record.nameless,
    text: (row) => row.displayName ?? '',
  },
  {
    key: 'kind',
    title: texts.fields.kind,
    cell: (row) => texts.record.groupKinds[row.kind],
    text: (row) => texts.record.groupKinds[row.kind],
  },
  {
    key: 'members',
    title: texts.fields.members,
    align: 'end',
    cell: (row) => texts.common.number(row.members.totalCount),
    text: (row) => String(row.members.totalCount),
  },
  {
    key: 'mail',
    title: texts.fields.mail,
    cell: (row) => row.mail ?? texts.common.nothing,
    text: (row) => row.mail ?? '',
    hideBelow: 'medium',
  },
  {
    key: 'description',
    title: texts.fields.description,
    cell: (row) => row.description ?? texts.common.nothing,
    text: (row) => row.description ?? '',
    hideBelow: 'wide',
  },
  {
    key: 'state',
    title: texts.fields.state,
    cell: (row) => <StatePill row={row} />,
    text: (row) => texts.record.states[row.state],
    hideBelow: 'medium',
  },
];

export function GroupsTab() {
  const list = useList();
  const [{ data: answer, error, operation }, ask] = useQuery({ query: GroupsDocument, variables: list.variables });
  useRefetch(ask);
  const data = useKept(answer);
  return (
    <RecordList
      label={texts.company.tabs.groups}
      search={texts.records.searchGroups}
      list={list}
      columns={columns}
      connection={data?.company?.groups}
      busy={isOutdated(operation, list.variables)}
      error={error}
      retry={() => ask({ requestPolicy: 'network-only' })}
      copyOf={(row) => row.displayName ?? ''}
    />
  );
}
