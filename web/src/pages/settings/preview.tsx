// What rules would do: the dry run under them, followed to its end, and the people it names.

import { useEffect } from 'react';
import { useQuery, useSubscription } from 'urql';
import {
  type ChangeAction,
  PreviewDocument,
  PreviewPeopleDocument,
  type PreviewQuery,
  SyncStatusDocument,
} from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Failed } from '../../parts/states.tsx';
import { Pager } from '../../parts/table.tsx';
import { texts } from '../../texts.ts';
import { useCompany } from '../company/context.ts';
import { isActive } from '../company/sync/standing.ts';

type Run = Extract<NonNullable<PreviewQuery['node']>, { __typename: 'SyncRun' }>;

const say = texts.settings.rules;
/** Where the line for live updates is cut, the run is asked after instead. */
const ASK_AGAIN = 5_000;

export function Preview({ run: id }: { run: string }) {
  const { company } = useCompany();
  const variables = { run: id };
  const [{ data, error }, ask] = useQuery({ query: PreviewDocument, variables, requestPolicy: 'network-only' });
  const [{ data: told }] = useSubscription({
    query: SyncStatusDocument,
    variables: { company: company.id, kind: 'IDENTITY' },
  });
  const run = data?.node?.__typename === 'SyncRun' ? data.node : undefined;
  const live = told?.syncStatus?.id === id ? told.syncStatus : undefined;
  const isOver = run !== undefined && !isActive(run);
  const isToldOver = live !== undefined && !isActive(live);
  useEffect(() => {
    if (isOver) return;
    if (isToldOver) ask({ requestPolicy: 'network-only' });
    const timer = setInterval(() => ask({ requestPolicy: 'network-only' }), ASK_AGAIN);
    return () => clearInterval(timer);
  }, [isOver, isToldOver, ask]);

  return (
    <section className="preview" aria-label={say.previewLabel} aria-busy={!isOver} data-testid="preview">
      <p role="status" className="preview-said">
        {run && isOver ? whatComes(run) : say.trying((live ?? run)?.message)}
      </p>
      {error && !run ? <Failed error={error} /> : run && isOver ? <People run={run} /> : <Skeleton />}
    </section>
  );
}

/** "12 people would be added, 3 deactivated." */
function whatComes(run: Run): string {
  if (run.status !== 'SUCCEEDED' && run.status !== 'PARTIAL') return run.failure?.message ?? run.message;
  return say.wouldBe(run.arriving.totalCount + run.returning.totalCount, run.leaving.totalCount);
}

function People({ run }: { run: Run }) {
  return (
    <>
      {run.failure && (
        <p className="notice warn">
          {run.failure.message} {run.failure.remedy}
        </p>
      )}
      <Names run={run.id} action="DEACTIVATED" title={say.leaving} total={run.leaving.totalCount} />
      <Names run={run.id} action="CREATED" title={say.arriving} total={run.arriving.totalCount} />
      <Names run={run.id} action="REACTIVATED" title={say.returning} total={run.returning.totalCount} />
    </>
  );
}

interface NamesProps {
  run: string;
  action: ChangeAction;
  title: string;
  total: number;
}

function Names({ run, action, title, total }: NamesProps) {
  const paging = usePaging(20, run);
  const [{ data, error }, ask] = useQuery({
    query: PreviewPeopleDocument,
    variables: { run, action, ...paging.page },
    pause: total === 0,
  });
  if (total === 0) return null;
  if (error && !data) return <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />;
  const people = data?.node?.__typename === 'SyncRun' ? data.node.changes : undefined;
  return (
    <section>
      <h3>{title}</h3>
      {people ? (
        <ul className="preview-names">
          {people.edges.map(({ node }) => (
            <li key={node.recordId}>{node.name ?? texts.record.nameless}</li>
          ))}
        </ul>
      ) : (
        <Skeleton className="skeleton-card" />
      )}
      {people && (people.pageInfo.hasNextPage || people.pageInfo.hasPreviousPage) && (
        <Pager paging={paging} info={people.pageInfo} shown={people.edges.length} total={people.totalCount} />
      )}
    </section>
  );
}
