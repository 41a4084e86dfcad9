// What people have stated: who answers for it, why, and until when.

import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { plainly } from '../../errors.ts';
import {
  CheckTitlesDocument,
  EvidenceDeclarationsDocument,
  type EvidenceDeclarationsQuery,
  WithdrawEvidenceDeclarationDocument,
} from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Empty, Failed } from '../../parts/states.tsx';
import { Pager } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/evidence.ts';
import { useEvidence } from './context.ts';
import { DeclareDialog } from './declare-dialog.tsx';
import { Name } from './why.tsx';

type Declaration = NonNullable<EvidenceDeclarationsQuery['company']>['evidenceDeclarations']['edges'][number]['node'];

const SIZE = 25;

export function Declarations() {
  const { company, revision, mayDeclare } = useEvidence();
  const paging = usePaging(SIZE, company);
  const { data, error, retry } = useAsked(EvidenceDeclarationsDocument, { company, ...paging.page }, revision);
  const [declaring, setDeclaring] = useState(false);
  const found = data?.company?.evidenceDeclarations;
  const declare = (
    <button type="button" className="button" onClick={() => setDeclaring(true)}>
      {words.declarations.declare}
    </button>
  );
  return (
    <div className="records">
      {found && found.totalCount > 0 && mayDeclare && <div className="toolbar">{declare}</div>}
      {error ? (
        <Failed error={error} retry={retry} />
      ) : !found ? (
        <Skeleton className="skeleton-card" />
      ) : found.totalCount === 0 ? (
        <div className="card">
          <Empty title={words.declarations.none} action={mayDeclare && declare}>
            {words.declarations.noneText}
          </Empty>
        </div>
      ) : (
        <div className="card">
          <ul className="declaration-list">
            {found.edges.map(({ node }) => (
              <Row key={node.id} declaration={node} onWithdrawn={retry} />
            ))}
          </ul>
          {(found.pageInfo.hasNextPage || found.pageInfo.hasPreviousPage) && (
            <Pager paging={paging} info={found.pageInfo} shown={found.edges.length} total={found.totalCount} />
          )}
        </div>
      )}
      {!mayDeclare && <p className="quiet small">{words.declarations.lookOnly}</p>}
      {declaring && <DeclareDialog start={{ kind: 'EXCEPTION' }} onClose={() => setDeclaring(false)} onDone={retry} />}
    </div>
  );
}

function Row({ declaration, onWithdrawn }: { declaration: Declaration; onWithdrawn(): void }) {
  const { mayDeclare } = useEvidence();
  const [asking, setAsking] = useState(false);
  const { kind, objectId, expiresAt } = declaration;
  return (
    <li>
      <div className="declaration-head">
        <h3>{words.declarations.kinds[kind]}</h3>
        {declaration.expired ? (
          <span className="pill warn">{words.declarations.expired}</span>
        ) : (
          mayDeclare && (
            <button type="button" className="button small-button" onClick={() => setAsking(true)}>
              {words.declarations.withdraw}
            </button>
          )
        )}
      </div>
      <dl className="facts">
        <dt>{words.declarations.object}</dt>
        <dd>{objectId ? <Name id={objectId} /> : words.declarations.company}</dd>
        {declaration.checkId && (
          <>
            <dt>{words.declarations.check}</dt>
            <dd>
              <CheckTitle id={declaration.checkId} />
            </dd>
          </>
        )}
        <dt>{words.declarations.reason}</dt>
        <dd>{declaration.reason}</dd>
        {declaration.reference && (
          <>
            <dt>{words.declarations.reference}</dt>
            <dd>
              {declaration.reference}
              {declaration.changedAt && (
                <>
                  , <Time at={declaration.changedAt} />
                </>
              )}
            </dd>
          </>
        )}
        <dt>{words.declarations.owner}</dt>
        <dd>{declaration.owner}</dd>
        <dt>{words.declarations.expires}</dt>
        <dd>
          {expiresAt ? (
            <>
              <Time at={expiresAt} /> (<Time at={expiresAt} as="relative" />)
            </>
          ) : (
            words.declarations.noEnd
          )}
        </dd>
        <dt>{words.declarations.by}</dt>
        <dd>
          {declaration.declaredBy}, <Time at={declaration.declaredAt} />
        </dd>
      </dl>
      {asking && (
        <WithdrawDialog declaration={declaration} onClose={() => setAsking(false)} onWithdrawn={onWithdrawn} />
      )}
    </li>
  );
}

function CheckTitle({ id }: { id: string }) {
  const [{ data }] = useQuery({ query: CheckTitlesDocument, requestPolicy: 'cache-first' });
  return <>{data?.checks.find((check) => check.id === id)?.title ?? id}</>;
}

interface WithdrawProps {
  declaration: Declaration;
  onClose(): void;
  onWithdrawn(): void;
}

function WithdrawDialog({ declaration, onClose, onWithdrawn }: WithdrawProps) {
  const [{ fetching }, withdraw] = useMutation(WithdrawEvidenceDeclarationDocument);
  const [refused, setRefused] = useState<string | null>(null);
  const go = async () => {
    if (fetching) return;
    const { data, error } = await withdraw({ id: declaration.id });
    const message = data?.withdrawEvidenceDeclaration.userErrors[0]?.message ?? (error && plainly(error).text);
    if (message) return setRefused(message);
    onClose();
    onWithdrawn();
  };
  return (
    <Dialog
      title={words.declarations.withdrawTitle}
      onClose={onClose}
      actions={
        <>
          <button type="button" className="button" onClick={onClose}>
            {words.declarations.keep}
          </button>
          <button type="button" className="button danger" onClick={go} aria-disabled={fetching}>
            {words.declarations.withdraw}
          </button>
        </>
      }
    >
      <p>
        <strong>{words.declarations.kinds[declaration.kind]}</strong>: {declaration.reason}
      </p>
      <p>{words.declarations.withdrawText}</p>
      {refused && (
        <p className="notice bad" role="alert">
          {refused}
        </p>
      )}
    </Dialog>
  );
}
