// One run: how it went, and what it changed record by record, field by field.

import { useState } from 'react';
import { useQuery } from 'urql';
import {
  type ChangeAction,
  RunChangesDocument,
  type RunChangesQuery,
  RunDetailsDocument,
  type RunDetailsQuery,
} from '../../../gql/graphql.ts';
import { usePaging } from '../../../paging.ts';
import { Dialog } from '../../../parts/dialog.tsx';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { Empty, Failed } from '../../../parts/states.tsx';
import { Pager } from '../../../parts/table.tsx';
import { duration, Time } from '../../../parts/time.tsx';
import { texts } from '../../../texts.ts';
import { changes } from '../sync/counts.tsx';
import { RunPill } from './runs-tab.tsx';

type Run = Extract<NonNullable<RunDetailsQuery['node']>, { __typename: 'SyncRun' }>;
type Changes = Extract<NonNullable<RunChangesQuery['node']>, { __typename: 'SyncRun' }>['changes'];

export function RunPanel({ id, onClose }: { id: string; onClose(): void }) {
  const [{ data, error }, ask] = useQuery({ query: RunDetailsDocument, variables: { id } });
  const run = data?.node?.__typename === 'SyncRun' ? data.node : undefined;
  return (
    <Dialog title={texts.runs.title} onClose={onClose} place="side">
      {error && !data ? (
        <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />
      ) : run ? (
        <Details run={run} />
      ) : data ? (
        <Empty title={texts.notFound.title}>{texts.notFound.text}</Empty>
      ) : (
        <Skeleton className="skeleton-rows" />
      )}
    </Dialog>
  );
}

function Details({ run }: { run: Run }) {
  return (
    <>
      <p>
        <RunPill run={run} /> {run.message !== run.failure?.message && run.message}
      </p>
      {run.failure && (
        <div className={`notice ${run.status === 'FAILED' ? 'bad' : 'warn'} trouble`}>
          <p>{run.failure.message}</p>
          <p>
            <strong>{texts.sync.remedy}</strong> {run.failure.remedy}
          </p>
        </div>
      )}
      <dl className="facts">
        <dt>{texts.runs.by}</dt>
        <dd>
          {run.trigger === 'SCHEDULED' ? texts.runs.clock : run.requestedBy}, <Time at={run.queuedAt} />
        </dd>
        <dt>{texts.runs.mode}</dt>
        <dd>{texts.runs.modes[run.mode]}</dd>
        {run.counts.map((count) => (
          <Kind key={count.kind} count={count} />
        ))}
        {run.stages.map((stage) => (
          <Stage key={stage.name} name={stage.name} milliseconds={stage.milliseconds} />
        ))}
        <dt>{texts.runs.requests}</dt>
        <dd>{texts.common.number(run.requests)}</dd>
      </dl>
      {run.kind === 'IDENTITY' && <ChangeList run={run.id} />}
    </>
  );
}

function Kind({ count }: { count: Run['counts'][number] }) {
  const said = changes(count);
  return (
    <>
      <dt>{texts.nouns[count.kind]}</dt>
      <dd>{count.skippedBecause ?? (said.length > 0 ? said : texts.sync.unchanged)}</dd>
    </>
  );
}

function Stage({ name, milliseconds }: { name: string; milliseconds: number }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{duration(milliseconds)}</dd>
    </>
  );
}

const actions: ChangeAction[] = ['CREATED', 'UPDATED', 'REACTIVATED', 'DEACTIVATED'];

function ChangeList({ run }: { run: string }) {
  const [action, setAction] = useState<ChangeAction | ''>('');
  const paging = usePaging(50, `${run} ${action}`);
  const [{ data, error }, ask] = useQuery({
    query: RunChangesDocument,
    variables: { id: run, action: action || undefined, ...paging.page },
  });
  const found: Changes | undefined = data?.node?.__typename === 'SyncRun' ? data.node.changes : undefined;
  return (
    <section className="changes">
      <div className="toolbar">
        <h3>{texts.runs.changes}</h3>
        <select
          className="select toolbar-end"
          value={action}
          onChange={(event) => setAction(event.target.value as ChangeAction | '')}
          aria-label={texts.runs.filter}
        >
          <option value="">{texts.runs.allChanges}</option>
          {actions.map((one) => (
            <option key={one} value={one}>
              {texts.record.actions[one]}
            </option>
          ))}
        </select>
      </div>
      {error && !data ? (
        <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />
      ) : !found ? (
        <Skeleton className="skeleton-card" />
      ) : found.totalCount === 0 ? (
        <Empty title={texts.runs.noChanges} />
      ) : (
        <>
          <ul className="change-list">
            {found.edges.map(({ node }) => (
              <li key={`${node.kind} ${node.recordId}`}>
                <span className="change-head">
                  <span className="change-name">{node.name ?? texts.record.nameless}</span>
                  <span className="quiet small">
                    {texts.noun[node.kind]} · {texts.record.actions[node.action]}
                  </span>
                </span>
                {node.fields.map((change) => (
                  <FieldChange key={change.field} {...change} />
                ))}
              </li>
            ))}
          </ul>
          <Pager paging={paging} info={found.pageInfo} shown={found.edges.length} total={found.totalCount} />
        </>
      )}
    </section>
  );
}

/** What a field was and is. */
export function FieldChange({ field, from, to }: { field: string; from: string | null; to: string | null }) {
  return (
    <span className="field-change small">
      <span className="quiet">{field}</span> <del>{from || texts.common.nothing}</del> →{' '}
      <ins>{to || texts.common.nothing}</ins>
    </span>
  );
}
