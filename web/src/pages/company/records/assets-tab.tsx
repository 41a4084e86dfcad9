import { useQuery } from 'urql';
import { AssetsDocument, type AssetsQuery } from '../../../gql/graphql.ts';
import { isOutdated } from '../../../parts/is-outdated.ts';
import type { Column } from '../../../parts/table.tsx';
import { Time } from '../../../parts/time.tsx';
import { useKept } from '../../../parts/use-kept.ts';
import { texts } from '../../../texts.ts';
import { RecordList } from './record-list.tsx';
import { CompliancePill, StatePill } from './state-pill.tsx';
import { type RecordSort, useList, useRefetch } from './use-list.ts';

type Asset = NonNullable<AssetsQuery['company']>['assets']['edges'][number]['node'];

const columns: Column<Asset, RecordSort>[] = [
  {
    key: 'name',
    title: texts.fields.hostname,
    sort: 'NAME',
    cell: (row) => row.hostname ?? texts.record.nameless,
    text: (row) => row.hostname ?? '',
  },
  {
    key: 'contact',
    title: texts.fields.contact,
    cell: (row) => row.contact?.displayName ?? texts.common.nothing,
    text: (row) => row.contact?.displayName ?? '',
  },
  {
    key: 'compliance',
    title: texts.fields.complianceState,
    cell: (row) => <CompliancePill state={row.complianceState} />,
    text: (row) => row.complianceState ?? '',
    hideBelow: 'medium',
  },
  {
    key: 'os',
    title: texts.fields.operatingSystem,
    cell: (row) => [row.operatingSystem, row.osVersion].filter(Boolean).join(' ') || texts.common.nothing,
    text: (row) => [row.operatingSystem, row.osVersion].filter(Boolean).join(' '),
    hideBelow: 'medium',
  },
  {
    key: 'serial',
    title: texts.fields.serialNumber,
    cell: (row) => row.serialNumber ?? texts.common.nothing,
    text: (row) => row.serialNumber ?? '',
    className: 'mono',
    hideBelow: 'wide',
  },
  {
    key: 'checkin',
    title: texts.fields.lastCheckInAt,
    cell: (row) => (row.lastCheckInAt ? <Time at={row.lastCheckInAt} as="relative" /> : texts.common.nothing),
    text: (row) => row.lastCheckInAt ?? '',
    hideBelow: 'wide',
  },
  {
    key: 'state',
    title: texts.fields.state,
    cell: (row) => <StatePill row={row} />,
    text: (row) => texts.record.states[row.state],
    hideBelow: 'wide',
  },
];

export function AssetsTab() {
  const list = useList();
  const [{ data: answer, error, operation }, ask] = useQuery({ query: AssetsDocument, variables: list.variables });
  useRefetch(ask);
  const data = useKept(answer);
  return (
    <RecordList
      label={texts.company.tabs.assets}
      search={texts.records.searchAssets}
      list={list}
      columns={columns}
      connection={data?.company?.assets}
      busy={isOutdated(operation, list.variables)}
      error={error}
      retry={() => ask({ requestPolicy: 'network-only' })}
      copyOf={(row) => row.serialNumber ?? row.hostname ?? ''}
    />
  );
}
