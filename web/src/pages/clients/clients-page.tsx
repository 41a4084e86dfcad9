// All clients, worst first: what wants a person stands on top, with why and since when.

import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { type AlarmFactsFragment, AlarmsDocument, ClientsDocument, type TenantStatus } from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { isOutdated } from '../../parts/is-outdated.ts';
import { SearchBox } from '../../parts/search-box.tsx';
import { Empty, Failed } from '../../parts/states.tsx';
import { type Column, Pager, Table } from '../../parts/table.tsx';
import { Time, useNow } from '../../parts/time.tsx';
import { useKept } from '../../parts/use-kept.ts';
import { navigate, useSearch } from '../../router.tsx';
import { useMay } from '../../session.tsx';
import { texts } from '../../texts.ts';
import { useOnAlarm } from '../settings/use-alarms.ts';
import { AddClient } from './add-client.tsx';
import { type Attended, toneOf, upToDateAt, worstFirst } from './attention.ts';
import './clients.css';

const moment = (at: string | null) => (at ? <Time at={at} as="relative" /> : texts.common.nothing);

const columns: Column<Attended>[] = [
  {
    key: 'name',
    title: texts.clients.name,
    cell: ({ client }) => client.name,
    text: ({ client }) => client.name,
  },
  {
    key: 'state',
    title: texts.clients.state,
    cell: ({ attention }) => (
      <>
        <span className={`pill ${toneOf(attention.kind)}`}>{texts.clients.kinds[attention.kind]}</span>
        <span className="clients-why-below quiet small">{attention.why}</span>
      </>
    ),
    text: ({ attention }) => texts.clients.kinds[attention.kind],
    className: 'wrap',
  },
  {
    key: 'why',
    title: texts.clients.because,
    cell: ({ attention }) => attention.why,
    text: ({ attention }) => attention.why,
    className: 'wrap clients-why',
    hideBelow: 'medium',
  },
  {
    key: 'since',
    title: texts.clients.since,
    cell: ({ attention }) => moment(attention.since),
    text: ({ attention }) => attention.since ?? '',
    hideBelow: 'medium',
  },
  {
    key: 'upToDate',
    title: texts.clients.upToDate,
    cell: ({ client }) => moment(upToDateAt(client)),
    text: ({ client }) => upToDateAt(client) ?? '',
    hideBelow: 'wide',
  },
  {
    key: 'next',
    title: texts.clients.next,
    cell: ({ client }) => moment(client.nextSyncAt),
    text: ({ client }) => client.nextSyncAt ?? '',
    hideBelow: 'medium',
  },
];

const SIZE = 100;
const statuses: TenantStatus[] = ['RECONNECT_NEEDED', 'CONNECTED', 'CONSENT_PENDING', 'DISCONNECTED'];

export default function ClientsPage() {
  const [search, change] = useSearch();
  const q = search.get('q') ?? '';
  const tenantStatus = statuses.find((status) => status.toLowerCase() === search.get('show'));
  const paging = usePaging(SIZE, `${q} ${tenantStatus}`);
  const variables = { search: q || undefined, tenantStatus, ...paging.page };
  const [{ data: answer, error, operation }, ask] = useQuery({ query: ClientsDocument, variables });
  const data = useKept(answer);
  const retry = () => ask({ requestPolicy: 'network-only' });
  const now = useNow();
  const alarms = useOpenAlarms(retry);
  const connection = data?.companies;
  const rows =
    connection &&
    worstFirst(
      connection.edges.map((edge) => edge.node),
      alarms,
      now,
    );
  useLookAgain(retry);
  return (
    <div>
      <Head />
      {alarms
        .filter(({ company }) => company === null)
        .map((alarm) => (
          <p key={alarm.id} className="notice bad">
            <strong>{alarm.message}</strong> {alarm.remedy}
          </p>
        ))}
      <div className="toolbar">
        <SearchBox label={texts.clients.search} value={q} onSearch={(value) => change({ q: value })} />
        <select
          className="select"
          value={tenantStatus ?? ''}
          onChange={(event) => change({ show: event.target.value.toLowerCase() })}
          aria-label={texts.clients.show}
        >
          <option value="">{texts.clients.all}</option>
          {statuses.map((status) => (
            <option key={status} value={status}>
              {texts.clients.statuses[status]}
            </option>
          ))}
        </select>
      </div>
      {error && !connection ? (
        <div className="table-frame">
          <Failed error={error} retry={retry} />
        </div>
      ) : (
        <Table
          label={texts.frame.clients}
          columns={columns}
          rows={rows}
          rowKey={({ client }) => client.id}
          busy={isOutdated(operation, variables)}
          onOpen={({ client }) => navigate(`/companies/${encodeURIComponent(client.id)}`)}
          copyOf={(row) => columns.map((column) => column.text(row)).join('\t')}
          onTurn={(direction) => {
            if (!connection) return;
            if (direction === 'next') paging.next(connection.pageInfo, connection.edges.length);
            else paging.previous(connection.pageInfo);
          }}
          empty={<Nothing search={q} filtered={tenantStatus !== undefined} />}
          pager={
            <Pager paging={paging} info={connection?.pageInfo} shown={rows?.length ?? 0} total={connection?.totalCount}>
              <span className="quiet small pager-keys">{texts.records.keys}</span>
            </Pager>
          }
        />
      )}
    </div>
  );
}

function Head() {
  const mayAdd = useMay('CREATE_COMPANY');
  const [adding, setAdding] = useState(false);
  return (
    <header className="clients-head">
      <h1>{texts.frame.clients}</h1>
      {mayAdd && (
        <button type="button" className="button" onClick={() => setAdding(true)}>
          {texts.clients.add}
        </button>
      )}
      {adding && <AddClient onClose={() => setAdding(false)} />}
    </header>
  );
}

function Nothing({ search, filtered }: { search: string; filtered: boolean }) {
  if (search) return <Empty title={texts.records.noMatch(search)}>{texts.records.noMatchText}</Empty>;
  if (filtered) return <Empty title={texts.clients.noneLikeThis} />;
  return <Empty title={texts.clients.none}>{texts.clients.noneText}</Empty>;
}

/** What is wrong, for whoever may see it; `tell` is called whenever that changes. */
function useOpenAlarms(tell: () => void): AlarmFactsFragment[] {
  const pause = !useMay('VIEW_OPERATIONS');
  const [{ data }, ask] = useQuery({ query: AlarmsDocument, variables: { open: true, first: 100 }, pause });
  useOnAlarm(() => {
    ask({ requestPolicy: 'network-only' });
    tell();
  }, pause);
  return data?.alarms.edges.map(({ node }) => node) ?? [];
}

/** Asks again when somebody comes back to the page: it may have stood open all night. */
function useLookAgain(ask: () => void) {
  useEffect(() => {
    const look = () => document.visibilityState === 'visible' && ask();
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  });
}
