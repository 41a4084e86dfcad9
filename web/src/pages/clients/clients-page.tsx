import { useQuery } from 'urql';
import { ClientsDocument, type ClientsQuery } from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { Empty, Failed } from '../../parts/states.tsx';
import { type Column, Pager, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { navigate } from '../../router.tsx';
import { texts } from '../../texts.ts';

type Client = ClientsQuery['companies']['edges'][number]['node'];

const columns: Column<Client>[] = [
  { key: 'name', title: texts.clients.name, cell: (row) => row.name, text: (row) => row.name },
  {
    key: 'sync',
    title: texts.clients.lastSync,
    cell: (row) => row.latestSync?.message ?? texts.common.nothing,
    text: (row) => row.latestSync?.message ?? '',
  },
  {
    key: 'at',
    title: texts.clients.at,
    cell: (row) => (row.latestSync?.finishedAt ? <Time at={row.latestSync.finishedAt} /> : texts.common.nothing),
    text: (row) => row.latestSync?.finishedAt ?? '',
  },
];

export default function ClientsPage() {
  const paging = usePaging(50, '');
  const [{ data, error, fetching }, ask] = useQuery({ query: ClientsDocument, variables: { ...paging.page } });
  if (error && !data) return <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />;
  const rows = data?.companies.edges.map((edge) => edge.node);
  return (
    <>
      <h1>{texts.frame.clients}</h1>
      <Table
        label={texts.frame.clients}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.id}
        busy={fetching}
        onOpen={(row) => navigate(`/companies/${row.id}`)}
        empty={<Empty title={texts.clients.none}>{texts.clients.noneText}</Empty>}
        pager={
          <Pager
            paging={paging}
            info={data?.companies.pageInfo}
            shown={rows?.length ?? 0}
            total={data?.companies.totalCount}
          />
        }
      />
    </>
  );
}
