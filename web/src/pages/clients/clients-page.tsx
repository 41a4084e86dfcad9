// All clients in the order of the API, over all pages: what wants a person stands on top. Why and since when is told here.

import { useCallback, useEffect, useRef, useState } from 'react';
import {
  AlarmsDocument,
  type AlarmsQuery,
  type ClientFragment,
  ClientsDocument,
  SyncRunChangedDocument,
  type TenantStatus,
} from '../../gql/graphql.ts';
import { useLive, useOnNews } from '../../live/use-live.ts';
import { START, useAddressPaging } from '../../paging.ts';
import { Listing } from '../../parts/listing.tsx';
import { SearchBox } from '../../parts/search-box.tsx';
import { asRows } from '../../parts/spreadsheet.ts';
import { Behind, Empty } from '../../parts/states.tsx';
import type { Column, Order } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { type Asked, useAsked } from '../../parts/use-asked.ts';
import { navigate, useSearch } from '../../router.tsx';
import { useMay } from '../../session.tsx';
import { texts } from '../../texts.ts';
import { useTitle } from '../../title.ts';
import { useOnAlarm } from '../settings/use-alarms.ts';
import { AddClient } from './add-client.tsx';
import { type Attention, attention, toneOf, upToDateAt } from './attention.ts';
import './clients.css';

interface Attended {
  client: ClientFragment;
  attention: Attention;
}

/** Of a company that is connected there is no next sync because somebody has paused them, and for no other reason. */
const isPaused = ({ tenant, nextSyncAt }: ClientFragment) => tenant?.status === 'CONNECTED' && !nextSyncAt;
const moment = (at: string | null) => (at ? <Time at={at} as="relative" /> : texts.common.nothing);

type Sort = 'ATTENTION' | 'NAME';

const columns: Column<Attended, Sort>[] = [
  {
    key: 'name',
    title: texts.clients.name,
    sort: 'NAME',
    cell: ({ client }) => client.name,
    text: ({ client }) => client.name,
  },
  {
    key: 'state',
    title: texts.clients.state,
    sort: 'ATTENTION',
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
    cell: ({ client }) => (isPaused(client) ? texts.clients.paused : moment(client.nextSyncAt)),
    text: ({ client }) => (isPaused(client) ? texts.clients.paused : (client.nextSyncAt ?? '')),
    hideBelow: 'medium',
  },
];

const SIZE = 100;
const statuses: TenantStatus[] = ['RECONNECT_NEEDED', 'CONNECTED', 'CONSENT_PENDING', 'DISCONNECTED'];

function orderOf(sort: string | null): Order<Sort> {
  return {
    field: sort?.endsWith('name') ? 'NAME' : 'ATTENTION',
    direction: sort?.startsWith('-') ? 'DESC' : 'ASC',
  };
}

export default function ClientsPage() {
  const [search, change] = useSearch();
  const q = search.get('q') ?? '';
  const tenantStatus = statuses.find((status) => status.toLowerCase() === search.get('show'));
  const order = orderOf(search.get('sort'));
  const paging = useAddressPaging(SIZE, `${q} ${tenantStatus} ${order.field} ${order.direction}`);
  const asked = useAsked(ClientsDocument, {
    search: q || undefined,
    tenantStatus,
    orderBy: order,
    ...paging.page,
  });
  const soon = useSoon(asked.retry);
  useOnRuns(soon);
  const known = useOpenAlarms(soon);
  const alarms = known.data?.alarms.edges.map(({ node }) => node) ?? [];
  const untold = known.behind ?? known.error;
  const connection = asked.data?.companies;
  const rows = connection?.edges.map(({ node }) => ({ client: node, attention: attention(node, alarms) }));
  useLookAgain(asked.retry);
  useTitle([texts.frame.clients]);
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
        <SearchBox label={texts.clients.search} value={q} onSearch={(value) => change({ q: value, ...START })} />
        <select
          className="select"
          value={tenantStatus ?? ''}
          onChange={(event) => change({ show: event.target.value.toLowerCase(), ...START })}
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
      <p className="quiet small clients-order">
        {order.field === 'ATTENTION' && order.direction === 'ASC' ? texts.clients.order : texts.clients.otherOrder}
      </p>
      {/* Where both cannot be had it is said once. */}
      {untold && !asked.error && !asked.behind && <Behind error={untold} retry={known.retry} />}
      <Listing
        asked={asked}
        connection={connection}
        paging={paging}
        label={texts.frame.clients}
        columns={columns}
        rows={rows}
        rowKey={({ client }) => client.id}
        order={order}
        onOrder={({ field, direction }) => {
          const name = `${direction === 'DESC' ? '-' : ''}${field.toLowerCase()}`;
          change({ sort: name === 'attention' ? undefined : name, ...START });
        }}
        onOpen={({ client }) => navigate(`/companies/${encodeURIComponent(client.id)}`)}
        copyOf={(row) => asRows([columns.map((column) => column.text(row))])}
        empty={<Nothing search={q} filtered={tenantStatus !== undefined} />}
      />
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

/** However much happens at once, such as at a slot of the clock, it is asked for once in so long. */
const SOON = 1_500;

function useSoon(ask: () => void): () => void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [ask],
  );
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      ask();
    }, SOON);
  }, [ask]);
}

/** Tells whenever a run of any client begins to wait, is taken up or ends, or its held changes are decided. */
function useOnRuns(tell: () => void) {
  useOnNews(useLive(SyncRunChangedDocument, { kind: 'IDENTITY' }), tell, { firstIsKnown: true });
}

/** What is wrong, for whoever may see it; `tell` is called whenever that changes. */
function useOpenAlarms(tell: () => void): Asked<AlarmsQuery> {
  const pause = !useMay('VIEW_OPERATIONS');
  const asked = useAsked(AlarmsDocument, { open: true, first: 100 }, 0, { pause });
  useOnAlarm(
    () => {
      asked.retry();
      tell();
    },
    { pause },
  );
  return asked;
}

/** Asks again when somebody comes back to the page: it may have stood open all night. */
function useLookAgain(ask: () => void) {
  useEffect(() => {
    const look = () => document.visibilityState === 'visible' && ask();
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  });
}
