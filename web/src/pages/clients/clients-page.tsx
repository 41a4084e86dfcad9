// All clients in the order of the API, over all pages: what wants a person stands on top. Why and since when is told here.

import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import {
  type AlarmFactsFragment,
  AlarmsDocument,
  type ClientFragment,
  ClientsDocument,
  type TenantStatus,
} from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { Listing } from '../../parts/listing.tsx';
import { SearchBox } from '../../parts/search-box.tsx';
import { Empty } from '../../parts/states.tsx';
import type { Column } from '../../parts/table.tsx';
import { Time, useNow } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { navigate, useSearch } from '../../router.tsx';
import { useMay } from '../../session.tsx';
import { texts } from '../../texts.ts';
import { useOnAlarm } from '../settings/use-alarms.ts';
import { AddClient } from './add-client.tsx';
import { type Attention, attention, toneOf, upToDateAt } from './attention.ts';
import './clients.css';

interface Attended {
  client: ClientFragment;
  attention: Attention;
}

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
  const asked = useAsked(ClientsDocument, { search: q || undefined, tenantStatus, ...paging.page });
  const now = useNow();
  const alarms = useOpenAlarms(asked.retry);
  const connection = asked.data?.companies;
  const rows = connection?.edges.map(({ node }) => ({ client: node, attention: attention(node, alarms, now) }));
  useLookAgain(asked.retry);
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
      <p className="quiet small clients-order">{texts.clients.order}</p>
      <Listing
        asked={asked}
        connection={connection}
        paging={paging}
        label={texts.frame.clients}
        columns={columns}
        rows={rows}
        rowKey={({ client }) => client.id}
        onOpen={({ client }) => navigate(`/companies/${encodeURIComponent(client.id)}`)}
        copyOf={(row) => columns.map((column) => column.text(row)).join('\t')}
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
