// What a check found, object by object, with why.

import { type ReactNode, useState } from 'react';
import { EvidenceFindingsDocument, type FindingFragment } from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Empty, Failed } from '../../parts/states.tsx';
import { Pager } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/evidence.ts';
import { useEvidence } from './context.ts';
import { DeclareDialog } from './declare-dialog.tsx';
import { KindPill } from './pills.tsx';
import { Name, Why } from './why.tsx';

const SIZE = 10;

export function Findings({ check, none }: { check: string; none: string }) {
  const { company, asOf, revision, mayDeclare } = useEvidence();
  const paging = usePaging(SIZE, `${check} ${asOf}`);
  const variables = { company, asOf, check, ...paging.page };
  const { data, error, outdated, retry } = useAsked(EvidenceFindingsDocument, variables, revision);
  const [excepting, setExcepting] = useState<string | null>(null);
  const found = data?.company?.evidence?.findings;
  if (error) return <Failed error={error} retry={retry} />;
  if (!data) return <Skeleton className="skeleton-card" />;
  if (!found || found.totalCount === 0) return <Empty title={none} />;
  return (
    <>
      <ul className={`finding-list ${outdated ? 'outdated' : ''}`}>
        {found.edges.map(({ node }) => (
          <Finding key={`${node.resource} ${node.objectId}`} finding={node}>
            {mayDeclare && !asOf && node.kind !== 'EXCEPTED' && (
              <button type="button" className="link small" onClick={() => setExcepting(node.objectId)}>
                {words.check.except}
              </button>
            )}
          </Finding>
        ))}
      </ul>
      {(found.pageInfo.hasNextPage || found.pageInfo.hasPreviousPage) && (
        <Pager paging={paging} info={found.pageInfo} shown={found.edges.length} total={found.totalCount} />
      )}
      {excepting && (
        <DeclareDialog start={{ kind: 'EXCEPTION', check, object: excepting }} onClose={() => setExcepting(null)} />
      )}
    </>
  );
}

function Finding({ finding, children }: { finding: FindingFragment; children: ReactNode }) {
  return (
    <li>
      <div className="finding-head">
        <span className="finding-name">
          {finding.name || finding.objectId === finding.resource ? (
            nameOf(finding)
          ) : (
            <Name id={finding.objectId} resource={finding.resource} />
          )}
        </span>
        <KindPill kind={finding.kind} />
      </div>
      <p className="sentence">{finding.because}</p>
      <Why lineage={finding.lineage} />
      <p className="finding-foot quiet small">
        <span>
          {words.check.since} <Time at={finding.openedAt} />
        </span>
        {children}
      </p>
    </li>
  );
}

/** What people call it; a setting of which there is one alone is called by what it is. */
export function nameOf(object: { name: string | null; objectId: string; resource: string }): string {
  if (object.name) return object.name;
  const alone = object.objectId === object.resource ? words.resources[object.resource] : undefined;
  return alone ? alone.charAt(0).toUpperCase() + alone.slice(1) : object.objectId;
}
