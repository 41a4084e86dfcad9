// What rules would do: the dry run under them, followed to its end, and the people it names.

import { useEffect } from 'react';
import {
  type ChangeAction,
  PreviewDocument,
  PreviewPeopleDocument,
  type PreviewPeopleQuery,
  type PreviewQuery,
  SyncStatusDocument,
} from '../../gql/graphql.ts';
import { useLive } from '../../live/use-live.ts';
import { type Paging, usePaging } from '../../paging.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Answer, Behind, Failed } from '../../parts/states.tsx';
import { Pager } from '../../parts/table.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/settings.ts';
import { texts } from '../../texts.ts';
import { useCompany } from '../company/context.ts';
import { isActive } from '../company/sync/standing.ts';

type Run = Extract<NonNullable<PreviewQuery['node']>, { __typename: 'SyncRun' }>;

const say = words.rules;
/** Where the line for live updates is cut, the run is asked after instead. */
const ASK_AGAIN = 5_000;

export function Preview({ run: id }: { run: string }) {
  const { company } = useCompany();
  const { data, error, behind, retry } = useAsked(PreviewDocument, { run: id });
  const told = useLive(SyncStatusDocument, { company: company.id, kind: 'IDENTITY' });
  const run = data?.node?.__typename === 'SyncRun' ? data.node : undefined;
  const live = told?.syncStatus?.id === id ? told.syncStatus : undefined;
  const isOver = run !== undefined && !isActive(run);
  const isToldOver = live !== undefined && !isActive(live);
  useEffect(() => {
    if (isOver) return;
    if (isToldOver) retry();
    const timer = setInterval(retry, ASK_AGAIN);
    return () => clearInterval(timer);
  }, [isOver, isToldOver, retry]);

  return (
    <section className="preview" aria-label={say.previewLabel} aria-busy={!isOver} data-testid="preview">
      <p role="status" className="preview-said">
        {run && isOver ? whatComes(run) : say.trying((live ?? run)?.message)}
      </p>
      {behind && <Behind error={behind} retry={retry} />}
      {error ? <Failed error={error} retry={retry} /> : run && isOver ? <Whom run={run} /> : <Skeleton />}
    </section>
  );
}

/** "12 people would be added, 3 deactivated." */
function whatComes(run: Run): string {
  if (run.status !== 'SUCCEEDED' && run.status !== 'PARTIAL') return run.failure?.message ?? run.message;
  return say.wouldBe(run.arriving.totalCount + run.returning.totalCount, run.leaving.totalCount);
}

function Whom({ run }: { run: Run }) {
  return (
    <>
      {run.failure && (
        <p className="notice warn">
          {run.failure.message} {run.failure.remedy}
        </p>
      )}
      {run.leaving.totalCount > 0 && <Names run={run.id} action="DEACTIVATED" title={say.leaving} />}
      {run.arriving.totalCount > 0 && <Names run={run.id} action="CREATED" title={say.arriving} />}
      {run.returning.totalCount > 0 && <Names run={run.id} action="REACTIVATED" title={say.returning} />}
    </>
  );
}

interface NamesProps {
  run: string;
  action: ChangeAction;
  title: string;
}

type People = Extract<NonNullable<PreviewPeopleQuery['node']>, { __typename: 'SyncRun' }>['changes'];

function Names({ run, action, title }: NamesProps) {
  const paging = usePaging(20, run);
  const asked = useAsked(PreviewPeopleDocument, { run, action, ...paging.page });
  return (
    <section>
      <h3>{title}</h3>
      <Answer asked={asked} waiting={<Skeleton className="skeleton-card" />}>
        {({ node }) => node?.__typename === 'SyncRun' && <Page people={node.changes} paging={paging} />}
      </Answer>
    </section>
  );
}

function Page({ people, paging }: { people: People; paging: Paging }) {
  const { edges, pageInfo, totalCount } = people;
  return (
    <>
      <ul className="preview-names">
        {edges.map(({ node }) => (
          <li key={node.recordId}>{node.name ?? texts.record.nameless}</li>
        ))}
      </ul>
      {(pageInfo.hasNextPage || pageInfo.hasPreviousPage) && (
        <Pager paging={paging} info={pageInfo} shown={edges.length} total={totalCount} />
      )}
    </>
  );
}
