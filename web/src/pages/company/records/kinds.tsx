// What the three kinds of records are listed by. How they are listed is one thing: `record-list.tsx`.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import {
  AssetsDocument,
  type AssetsQuery,
  ContactsDocument,
  type ContactsQuery,
  GroupsDocument,
  type GroupsQuery,
} from '../../../gql/graphql.ts';
import type { PageInfo } from '../../../paging.ts';
import type { Column } from '../../../parts/table.tsx';
import { Time } from '../../../parts/time.tsx';
import { texts } from '../../../texts.ts';
import { CompliancePill, StatePill } from './state-pill.tsx';
import type { List, RecordSort } from './use-list.ts';

export interface Answer<Row> {
  company: { records: { totalCount: number; edges: { node: Row }[]; pageInfo: PageInfo } } | null;
}

export interface Kind<Row> {
  label: string;
  search: string;
  query: TypedDocumentNode<Answer<Row>, List['variables']>;
  columns: Column<Row, RecordSort>[];
  /** What c copies of a record: what one would write elsewhere. */
  copyOf(row: Row): string;
}

type RowOf<Query extends Answer<unknown>> = NonNullable<Query['company']>['records']['edges'][number]['node'];
type Contact = RowOf<ContactsQuery>;
type Group = RowOf<GroupsQuery>;
type Asset = RowOf<AssetsQuery>;

type Look<Row> = Pick<Column<Row, RecordSort>, 'sort' | 'hideBelow' | 'align' | 'className' | 'cell'>;

/** A column of plain text, unless it `look`s otherwise. */
function column<Row>(
  key: keyof typeof texts.fields,
  text: (row: Row) => string | null | undefined,
  look: Partial<Look<Row>> = {},
): Column<Row, RecordSort> {
  return {
    key,
    title: texts.fields[key],
    cell: (row) => text(row) || texts.common.nothing,
    text: (row) => text(row) ?? '',
    ...look,
  };
}

/** The column that a list is sorted by, and a record opened from. */
function name<Row>(key: keyof typeof texts.fields, of: (row: Row) => string | null): Column<Row, RecordSort> {
  return column(key, of, { sort: 'NAME', cell: (row) => of(row) ?? texts.record.nameless });
}

function state<Row extends Parameters<typeof StatePill>[0]['row']>(hideBelow: 'medium' | 'wide') {
  return column<Row>('state', (row) => texts.record.states[row.state], {
    hideBelow,
    cell: (row) => <StatePill row={row} />,
  });
}

export const contacts: Kind<Contact> = {
  label: texts.company.tabs.contacts,
  search: texts.records.searchContacts,
  query: ContactsDocument,
  columns: [
    name('displayName', (row) => row.displayName),
    column('mail', (row) => row.mail ?? row.userPrincipalName),
    column('jobTitle', (row) => row.jobTitle, { hideBelow: 'medium' }),
    column('department', (row) => row.department, { hideBelow: 'wide' }),
    column('phone', (row) => row.businessPhones[0] ?? row.mobilePhone, { hideBelow: 'wide' }),
    state('medium'),
  ],
  copyOf: (row) => row.mail ?? row.userPrincipalName ?? row.displayName ?? '',
};

export const groups: Kind<Group> = {
  label: texts.company.tabs.groups,
  search: texts.records.searchGroups,
  query: GroupsDocument,
  columns: [
    name('displayName', (row) => row.displayName),
    column('kind', (row) => texts.record.groupKinds[row.kind]),
    column('members', (row) => texts.common.number(row.members.totalCount), { align: 'end' }),
    column('mail', (row) => row.mail, { hideBelow: 'medium' }),
    column('description', (row) => row.description, { hideBelow: 'wide' }),
    state('medium'),
  ],
  copyOf: (row) => row.displayName ?? '',
};

export const assets: Kind<Asset> = {
  label: texts.company.tabs.assets,
  search: texts.records.searchAssets,
  query: AssetsDocument,
  columns: [
    name('hostname', (row) => row.hostname),
    column('contact', (row) => row.contact?.displayName),
    column('complianceState', (row) => row.complianceState, {
      hideBelow: 'medium',
      cell: (row) => <CompliancePill state={row.complianceState} />,
    }),
    column('operatingSystem', (row) => [row.operatingSystem, row.osVersion].filter(Boolean).join(' '), {
      hideBelow: 'medium',
    }),
    column('serialNumber', (row) => row.serialNumber, { className: 'mono', hideBelow: 'wide' }),
    column('lastCheckInAt', (row) => row.lastCheckInAt, {
      hideBelow: 'wide',
      cell: (row) => (row.lastCheckInAt ? <Time at={row.lastCheckInAt} as="relative" /> : texts.common.nothing),
    }),
    state('wide'),
  ],
  copyOf: (row) => row.serialNumber ?? row.hostname ?? '',
};
