// A list that the server turns page by page: its rows, where one is in it, and what is said where it could not be had.

import { codeOf } from '../client.ts';
import type { PageInfo, Paging } from '../paging.ts';
import { texts } from '../texts.ts';
import { Behind, Failed } from './states.tsx';
import { Pager, Table, type TableProps } from './table.tsx';
import type { Asked } from './use-asked.ts';

interface Props<Row, Sort extends string> extends Omit<TableProps<Row, Sort>, 'busy' | 'onTurn' | 'pager'> {
  asked: Pick<Asked<unknown>, 'error' | 'behind' | 'outdated' | 'retry'>;
  connection: { totalCount: number; pageInfo: PageInfo } | undefined;
  paging: Paging;
}

export function Listing<Row, Sort extends string = never>(props: Props<Row, Sort>) {
  const { asked, connection, paging, ...table } = props;
  // The place in an address may be nobody's, or of another order.
  const isMisled = paging.isTurned && codeOf(asked.error) === 'BAD_INPUT';
  if (asked.error)
    return (
      <div className="table-frame">
        <Failed error={asked.error} retry={isMisled ? paging.restart : asked.retry} />
      </div>
    );
  const shown = table.rows?.length ?? 0;
  return (
    <>
      {asked.behind && <Behind error={asked.behind} retry={asked.retry} />}
      <Table
        {...table}
        busy={asked.outdated}
        onTurn={(direction) => {
          if (!connection) return false;
          const page = { info: connection.pageInfo, rows: shown, total: connection.totalCount };
          return direction === 'next' ? paging.next(page) : paging.previous(page);
        }}
        pager={
          <Pager paging={paging} info={connection?.pageInfo} shown={shown} total={connection?.totalCount}>
            {table.onOpen && <Keys copies={table.copyOf !== undefined} />}
          </Pager>
        }
      />
    </>
  );
}

function Keys({ copies }: { copies: boolean }) {
  return <span className="quiet small pager-keys">{copies ? texts.records.keys : texts.records.keysWithoutCopy}</span>;
}
