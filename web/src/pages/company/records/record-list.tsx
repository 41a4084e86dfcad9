// A list of records as all three kinds are shown: search, filter, table, pages.

import type { CombinedError } from 'urql';
import type { RecordState } from '../../../gql/graphql.ts';
import type { PageInfo } from '../../../paging.ts';
import { Copy } from '../../../parts/copy.tsx';
import { SearchBox } from '../../../parts/search-box.tsx';
import { Empty, Failed } from '../../../parts/states.tsx';
import { type Column, Pager, Table } from '../../../parts/table.tsx';
import { texts } from '../../../texts.ts';
import { useCompany } from '../context.ts';
import { isActive } from '../sync/standing.ts';
import { RecordPanel } from './record-panel.tsx';
import { type List, type RecordSort, useFresh } from './use-list.ts';

interface Row {
  id: string;
  state: RecordState;
  updatedAt: string;
}

interface Connection<R> {
  totalCount: number;
  edges: { node: R }[];
  pageInfo: PageInfo;
}

interface Props<R extends Row> {
  label: string;
  search: string;
  list: List;
  columns: Column<R, RecordSort>[];
  connection: Connection<R> | undefined;
  busy: boolean;
  error: CombinedError | undefined;
  retry(): void;
  copyOf(row: R): string;
}

export function RecordList<R extends Row>(props: Props<R>) {
  const { list, columns, connection, label } = props;
  const isFresh = useFresh();
  const rows = connection?.edges.map((edge) => edge.node);
  const { paging } = list;
  return (
    <div className="records">
      <div className="toolbar">
        <SearchBox label={props.search} value={list.q} onSearch={list.onSearch} />
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
      {props.error && !connection ? (
        <div className="table-frame">
          <Failed error={props.error} retry={props.retry} />
        </div>
      ) : (
        <Table
          label={label}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.id}
          busy={props.busy}
          order={list.order}
          onOrder={list.onOrder}
          onOpen={(row) => list.onOpen(row.id)}
          copyOf={props.copyOf}
          rowClass={(row) => (row.state === 'DEACTIVATED' ? 'gone' : isFresh(row) ? 'fresh' : undefined)}
          size={12}
          empty={<Nothing list={list} />}
          onTurn={(direction) => {
            if (!connection) return;
            if (direction === 'next') paging.next(connection.pageInfo, connection.edges.length);
            else paging.previous(connection.pageInfo);
          }}
          pager={
            <Pager paging={paging} info={connection?.pageInfo} shown={rows?.length ?? 0} total={connection?.totalCount}>
              <span className="quiet small pager-keys">{texts.records.keys}</span>
            </Pager>
          }
        />
      )}
      <RecordPanel />
    </div>
  );
}

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
