// What sync runs changed in one record, newest first.

import { RecordChangesDocument, type RecordChangesQuery } from '../../../gql/graphql.ts';
import { type Paging, usePaging } from '../../../paging.ts';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { Answer } from '../../../parts/states.tsx';
import { Pager } from '../../../parts/table.tsx';
import { Time } from '../../../parts/time.tsx';
import { useAsked } from '../../../parts/use-asked.ts';
import { texts } from '../../../texts.ts';
import { useCompany } from '../context.ts';
import { FieldChange } from '../runs/field-change.tsx';
import { isOfClock } from '../sync/standing.ts';

type Changes = NonNullable<NonNullable<RecordChangesQuery['company']>['recordChanges']>;

const SIZE = 10;

export function History({ record }: { record: string }) {
  const { company, sync } = useCompany();
  const paging = usePaging(SIZE, record);
  const variables = { company: company.id, record, ...paging.page };
  const asked = useAsked(RecordChangesDocument, variables, sync.revision);
  return (
    <section data-testid="history">
      <h3>{texts.record.history}</h3>
      <Answer asked={asked} waiting={<Skeleton className="skeleton-card" />}>
        {({ company }) => company?.recordChanges && <Page changes={company.recordChanges} paging={paging} />}
      </Answer>
    </section>
  );
}

function Page({ changes, paging }: { changes: Changes; paging: Paging }) {
  const { pageInfo, totalCount, edges } = changes;
  return (
    <>
      <ul className="change-list">
        {edges.map(({ node }) => (
          <li key={node.syncRun.id}>
            <span className="change-head">
              <span className="change-name">{texts.record.actions[node.action]}</span>
              <span className="quiet small">
                <Time at={node.syncRun.finishedAt ?? node.syncRun.queuedAt} /> ·{' '}
                {isOfClock(node.syncRun) ? texts.sync.byClock : texts.sync.by(node.syncRun.requestedBy)}
              </span>
            </span>
            {node.fields.map((change) => (
              <FieldChange key={change.field} {...change} />
            ))}
          </li>
        ))}
        {totalCount === 0 && <li className="quiet">{texts.record.noHistory}</li>}
      </ul>
      {(pageInfo.hasNextPage || pageInfo.hasPreviousPage) && (
        <Pager paging={paging} info={pageInfo} shown={edges.length} total={totalCount} />
      )}
    </>
  );
}
