// Why a finding says what it says, readable: which policy leaves somebody out, and through which groups.

import { Fragment, type ReactNode } from 'react';
import { useQuery } from 'urql';
import { EvidenceNameDocument } from '../../gql/graphql.ts';
import { Time } from '../../parts/time.tsx';
import { words } from '../../texts/evidence.ts';
import { useEvidence } from './context.ts';
import { type Exclusion, type Stand, spaced, told } from './lineage.ts';

export function Why({ lineage }: { lineage: unknown }) {
  const { policies, excuse, rest } = told(lineage);
  return (
    <>
      {excuse && (
        <p className="small">
          {words.lineage.excused}: {excuse.reason}
          {excuse.owner && ` (${excuse.owner})`}
          {excuse.expiresAt && (
            <>
              , {words.lineage.expires} <Time at={excuse.expiresAt} />
            </>
          )}
        </p>
      )}
      {policies?.length === 0 && <p className="small quiet">{words.lineage.noPolicies}</p>}
      {policies && policies.length > 0 && (
        <ul className="why-list small">
          {policies.map((stand) => (
            <li key={stand.policy}>
              <Standing stand={stand} />
            </li>
          ))}
        </ul>
      )}
      <Values entries={rest} />
    </>
  );
}

function Standing({ stand }: { stand: Stand }) {
  return (
    <>
      <strong>{stand.name ?? stand.policy}</strong> {words.lineage[stand.how]}
      {stand.exclusion && <Through exclusion={stand.exclusion} />}
      {!stand.certain && `, ${words.lineage.uncertain}`}
    </>
  );
}

/** How somebody came to be left out: "through a group Outer › Inner". */
function Through({ exclusion }: { exclusion: Exclusion }) {
  const path = exclusion.path.length > 0 ? exclusion.path : [exclusion.object];
  const by = words.lineage.by[exclusion.by] ?? exclusion.by;
  if (exclusion.by === 'user') return <> {by}</>;
  return (
    <>
      {' '}
      {by}:{' '}
      {path.map((id, index) => (
        <Fragment key={id}>
          {index > 0 && ` › `}
          <em className="named">
            {exclusion.by === 'group' ? (
              <Name id={id} resource="groups" />
            ) : exclusion.by === 'role' ? (
              <Name id={id} resource="role_definitions" />
            ) : (
              id
            )}
          </em>
        </Fragment>
      ))}
    </>
  );
}

/** What people call an object; its id until that is known, and where it has no name. */
export function Name({ id, resource }: { id: string; resource?: string }) {
  const { company, asOf } = useEvidence();
  const [{ data }] = useQuery({
    query: EvidenceNameDocument,
    variables: { company, asOf, object: id, resource },
    requestPolicy: 'cache-first',
  });
  const found = data?.company?.evidence?.objects.edges.find(({ node }) => node.name)?.node.name;
  return <span title={id}>{found ?? id}</span>;
}

/** Names and values as they were written down. */
export function Values({ entries }: { entries: [string, unknown][] }) {
  if (entries.length === 0) return null;
  return (
    <dl className="values small">
      {entries.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{spaced(name)}</dt>
          <dd>{shown(value)}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

const ISO = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/;

const GUID = /^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/i;
const isGuid = (value: unknown) => typeof value === 'string' && GUID.test(value);
/** So many objects of one value are called by their names: each is asked for. */
const MOST_NAMES = 5;

export function shown(value: unknown): ReactNode {
  if (value === null || value === undefined || value === '') return words.lineage.nothing;
  if (typeof value === 'boolean') return value ? words.lineage.yes : words.lineage.no;
  if (typeof value === 'string')
    return ISO.test(value) ? <Time at={value} /> : isGuid(value) ? <Name id={value} /> : value;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value) && value.length > 0 && value.length <= MOST_NAMES && value.every(isGuid))
    return value.map((id, index) => (
      <Fragment key={id}>
        {index > 0 && ', '}
        <Name id={id} />
      </Fragment>
    ));
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' || typeof one === 'number'))
    return value.length > 0 ? value.join(', ') : words.lineage.nothing;
  return <code>{JSON.stringify(value)}</code>;
}
