// What sync runs changed in one record, newest first.

import { RecordChangesDocument } from '../../../gql/graphql.ts';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { Failed } from '../../../parts/states.tsx';
import { Time } from '../../../parts/time.tsx';
import { useAsked } from '../../../parts/use-asked.ts';
import { texts } from '../../../texts.ts';
import { useCompany } from '../context.ts';
import { FieldChange } from '../runs/run-panel.tsx';

export function History({ record }: { record: string }) {
  const { company, sync } = useCompany();
  const variables = { company: company.id, record };
  const { data, error, retry } = useAsked(RecordChangesDocument, variables, sync.revision);
  const changes = data?.company?.recordChanges;
  return (
    <section data-testid="history">
      <h3>{texts.record.history}</h3>
      {error ? (
        <Failed error={error} retry={retry} />
      ) : !changes ? (
        <Skeleton className="skeleton-card" />
      ) : (
        <ul className="change-list">
          {changes.edges.map(({ node }) => (
            <li key={node.syncRun.id}>
              <span className="change-head">
                <span className="change-name">{texts.record.actions[node.action]}</span>
                <span className="quiet small">
                  <Time at={node.syncRun.finishedAt ?? node.syncRun.queuedAt} /> ·{' '}
                  {node.syncRun.trigger === 'SCHEDULED' ? texts.sync.byClock : texts.sync.by(node.syncRun.requestedBy)}
                </span>
              </span>
              {node.fields.map((change) => (
                <FieldChange key={change.field} {...change} />
              ))}
            </li>
          ))}
          {changes.totalCount === 0 && <li className="quiet">{texts.record.noHistory}</li>}
          {changes.totalCount > changes.edges.length && (
            <li className="quiet small">{texts.record.andMore(changes.totalCount - changes.edges.length)}</li>
          )}
        </ul>
      )}
    </section>
  );
}
