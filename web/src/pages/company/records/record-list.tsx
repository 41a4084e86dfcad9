// A list of records, whichever kind they are of: search, filter, table, pages.

import type { RecordState } from '../../../gql/graphql.ts';
import { Copy } from '../../../parts/copy.tsx';
import { Listing } from '../../../parts/listing.tsx';
import { SearchBox } from '../../../parts/search-box.tsx';
import { Empty } from '../../../parts/states.tsx';
import type { Column } from '../../../parts/table.tsx';
import { useAsked } from '../../../parts/use-asked.ts';
import { texts } from '../../../texts.ts';
import { useCompany } from '../context.ts';
import { isActive } from '../sync/standing.ts';
import { assets, contacts, groups, type Kind } from './kinds.tsx';
import { RecordPanel } from './record-panel.tsx';
import { type List, type RecordSort, useFresh, useList } from './use-list.ts';

interface Row {
  id: string;
  state: RecordState;
  updatedAt: string;
}

function RecordList<R extends Row>({ kind }: { kind: Kind<R> }) {
  const { sync } = useCompany();
  const list = useList();
  const asked = useAsked(kind.query, list.variables, sync.revision);
  const isFresh = useFresh();
  const { label, columns, copyOf } = kind;
  const connection = asked.data?.company?.records;
  const rows = connection?.edges.map((edge) => edge.node);
  return (
    <div className="records">
      <div className="toolbar">
        <SearchBox label={kind.search} value={list.q} onSearch={list.onSearch} />
        <select
          className="select"
          value={list.shown}
          onChange={(event) => list.onShow(event.target.value)}
          aria-label={texts.records.show}
        >
          <option value="active">{texts.records.active}</option>
          <option value="gone">{texts.records.gone}</option>
          <option value="all">{texts.records.all}</option>
        </select>
        <span className="toolbar-end">
          <Copy text={() => asText(columns, rows ?? [])} label={texts.records.copyPage}>
            {texts.records.copyPageShort}
          </Copy>
        </span>
      </div>
      <Listing
        asked={asked}
        connection={connection}
        paging={list.paging}
        label={label}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.id}
        order={list.order}
        onOrder={list.onOrder}
        onOpen={(row) => list.onOpen(row.id)}
        copyOf={copyOf}
        rowClass={(row) => (row.state === 'DEACTIVATED' ? 'gone' : isFresh(row) ? 'fresh' : undefined)}
        size={12}
        empty={<Nothing list={list} />}
      />
      <RecordPanel />
    </div>
  );
}

export const ContactsTab = () => <RecordList kind={contacts} />;
export const GroupsTab = () => <RecordList kind={groups} />;
export const AssetsTab = () => <RecordList kind={assets} />;

function Nothing({ list }: { list: List }) {
  const { company, sync } = useCompany();
  if (list.q) return <Empty title={texts.records.noMatch(list.q)}>{texts.records.noMatchText}</Empty>;
  if (isActive(sync.run)) return <Empty title={texts.records.onTheirWay}>{texts.records.onTheirWayText}</Empty>;
  if (list.shown === 'gone') return <Empty title={texts.records.noneGone} />;
  if (!company.tenant?.connectedAt) return <Empty title={texts.records.none}>{texts.records.noneUnconnected}</Empty>;
  return <Empty title={texts.records.none}>{texts.records.noneText}</Empty>;
}

/** With tabs between, as spreadsheets take it. */
function asText<R>(columns: Column<R, RecordSort>[], rows: R[]): string {
  const lines = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => column.text(row))),
  ];
  return lines.map((line) => line.map((cell) => cell.replace(/[\t\r\n]+/g, ' ')).join('\t')).join('\n');
}
