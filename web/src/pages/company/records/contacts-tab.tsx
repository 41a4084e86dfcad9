import { useQuery } from 'urql';
import { ContactsDocument, type ContactsQuery } from '../../../gql/graphql.ts';
import { isOutdated } from '../../../parts/is-outdated.ts';
import type { Column } from '../../../parts/table.tsx';
import { useKept } from '../../../parts/use-kept.ts';
import { texts } from '../../../texts.ts';
import { RecordList } from './record-list.tsx';
import { StatePill } from './state-pill.tsx';
import { type RecordSort, useList, useRefetch } from './use-list.ts';

type Contact = NonNullable<ContactsQuery['company']>['contacts']['edges'][number]['node'];

const text = (value: string | null) => value ?? texts.common.nothing;

const columns: Column<Contact, RecordSort>[] = [
  {
    key: 'name',
    title: texts.fields.displayName,
    sort: 'NAME',
    cell: (row) => row.displayName ?? texts.record.nameless,
    text: (row) => row.displayName ?? '',
  },
  {
    key: 'mail',
    title: texts.fields.mail,
    cell: (row) => text(row.mail ?? row.userPrincipalName),
    text: (row) => row.mail ?? row.userPrincipalName ?? '',
  },
  {
    key: 'title',
    title: texts.fields.jobTitle,
    cell: (row) => text(row.jobTitle),
    text: (row) => row.jobTitle ?? '',
    hideBelow: 'medium',
  },
  {
    key: 'department',
    title: texts.fields.department,
    cell: (row) => text(row.department),
    text: (row) => row.department ?? '',
    hideBelow: 'wide',
  },
  {
    key: 'phone',
    title: texts.fields.phone,
    cell: (row) => text(row.businessPhones[0] ?? row.mobilePhone),
    text: (row) => row.businessPhones[0] ?? row.mobilePhone ?? '',
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

export function ContactsTab() {
  const list = useList();
  const [{ data: answer, error, operation }, ask] = useQuery({ query: ContactsDocument, variables: list.variables });
  useRefetch(ask);
  const data = useKept(answer);
  return (
    <RecordList
      label={texts.company.tabs.contacts}
      search={texts.records.searchContacts}
      list={list}
      columns={columns}
      connection={data?.company?.contacts}
      busy={isOutdated(operation, list.variables)}
      error={error}
      retry={() => ask({ requestPolicy: 'network-only' })}
      copyOf={(row) => row.mail ?? row.userPrincipalName ?? row.displayName ?? ''}
    />
  );
}
