// One run: how it went, and what it changed record by record, field by field.

import { useState } from 'react';
import {
  type ChangeAction,
  RunChangesDocument,
  type RunChangesQuery,
  RunDetailsDocument,
  type RunDetailsQuery,
} from '../../../gql/graphql.ts';
import { type Paging, usePaging } from '../../../paging.ts';
import { Dialog } from '../../../parts/dialog.tsx';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { Answer, Empty } from '../../../parts/states.tsx';
import { Pager } from '../../../parts/table.tsx';
import { duration, Time } from '../../../parts/time.tsx';
import { useAsked } from '../../../parts/use-asked.ts';
import { Link } from '../../../router.tsx';
import { texts } from '../../../texts.ts';
import { useCompany } from '../context.ts';
import { changes } from '../sync/counts.tsx';
import { type Held, HeldDialog } from '../sync/held-changes.tsx';
import { isOfClock } from '../sync/standing.ts';
import { FieldChange } from './field-change.tsx';
import { holds, RunPill } from './runs-tab.tsx';

type Run = Extract<NonNullable<RunDetailsQuery['node']>, { __typename: 'SyncRun' }>;
type Changes = Extract<NonNullable<RunChangesQuery['node']>, { __typename: 'SyncRun' }>['changes'];

export function RunPanel({ id, onClose }: { id: string; onClose(): void }) {
  const { sync } = useCompany();
  const asked = useAsked(RunDetailsDocument, { id }, sync.revision);
  const [deciding, setDeciding] = useState<Held | null>(null);
  return (
    <>
      <Dialog title={texts.runs.title} onClose={onClose} place="side">
        <Answer asked={asked} waiting={<Skeleton className="skeleton-rows" />}>
          {({ node }) =>
            node?.__typename === 'SyncRun' ? (
              <Details run={node} onLook={setDeciding} />
            ) : (
              <Empty title={texts.notFound.title}>{texts.notFound.text}</Empty>
            )
          }
        </Answer>
      </Dialog>
      {deciding && <HeldDialog held={deciding} onClose={() => setDeciding(null)} />}
    </>
  );
}

function Details({ run, onLook }: { run: Run; onLook(held: Held): void }) {
  const { may } = useCompany();
  const held = run.heldChanges.totalCount;
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
      {held > 0 && (
        <div className="notice warn">
          <p>
            <strong>{texts.held.title(held)}.</strong> {texts.held.text}
          </p>
          <button type="button" className="button" onClick={() => onLook({ run: run.id, count: held })}>
            {may('SETTLE_HELD_CHANGES') ? texts.held.look : texts.held.onlyLook}
          </button>
        </div>
      )}
      <dl className="facts">
        <dt>{texts.runs.by}</dt>
        <dd>
          {isOfClock(run) ? texts.runs.clock : run.requestedBy}, <Time at={run.queuedAt} />
        </dd>
        <dt>{texts.runs.mode}</dt>
        <dd>{texts.runs.modes[run.mode]}</dd>
        {run.counts.map((count) => (
          <Kind key={count.kind} count={count} holds={holds(run)} />
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

function Kind({ count, holds }: { count: Run['counts'][number]; holds: boolean }) {
  const said = changes(count, holds);
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
  const { sync } = useCompany();
  const variables = { id: run, action: action || undefined, ...paging.page };
  const asked = useAsked(RunChangesDocument, variables, sync.revision);
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
      <Answer asked={asked} waiting={<Skeleton className="skeleton-card" />}>
        {({ node }) => node?.__typename === 'SyncRun' && <ChangePage found={node.changes} paging={paging} />}
      </Answer>
    </section>
  );
}

/** Where a record of each kind is opened. */
const tabOf = { CONTACT: 'contacts', CONTACT_GROUP: 'groups', ASSET: 'assets' } as const;

function ChangePage({ found, paging }: { found: Changes; paging: Paging }) {
  const { company } = useCompany();
  if (found.totalCount === 0) return <Empty title={texts.runs.noChanges} />;
  return (
    <>
      <ul className="change-list">
        {found.edges.map(({ node }) => (
          <li key={`${node.kind} ${node.recordId}`}>
            <span className="change-head">
              <Link
                className="change-name"
                to={`/companies/${encodeURIComponent(company.id)}/${tabOf[node.kind]}?record=${encodeURIComponent(node.recordId)}`}
              >
                {node.name ?? texts.record.nameless}
              </Link>
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
  );
}
