// Other records that one hangs together with, by name: a first page with the record, and more when they are wanted.

import { MoreRelatedDocument, type MoreRelatedQuery } from '../../../gql/graphql.ts';
import { type Connection, Grown } from '../../../parts/grown.tsx';
import { openPanel } from '../../../router.tsx';
import { texts } from '../../../texts.ts';

export type Relation = 'groups' | 'assets' | 'members' | 'memberOf';

interface Node {
  id?: string;
  displayName?: string | null;
  hostname?: string | null;
  mail?: string | null;
}

interface Props {
  title: string;
  record: string;
  relation: Relation;
  connection: Connection<Node> & { totalCount: number };
}

export function Related({ title, record, relation, connection }: Props) {
  if (connection.totalCount === 0) return null;
  const variables = {
    id: record,
    groups: relation === 'groups',
    assets: relation === 'assets',
    members: relation === 'members',
    memberOf: relation === 'memberOf',
  };
  return (
    <section>
      <h3>{title}</h3>
      <ul className="related">
        <Grown first={connection} query={MoreRelatedDocument} variables={variables} of={relatedOf} row={row} />
      </ul>
    </section>
  );
}

function relatedOf({ node }: MoreRelatedQuery): Connection<Node> | undefined {
  if (node?.__typename === 'Contact') return node.groups ?? node.assets;
  return node?.__typename === 'ContactGroup' ? (node.members ?? node.memberOf) : undefined;
}

function row(node: Node) {
  return (
    node.id && (
      <li key={node.id}>
        <RecordLink id={node.id} name={node.displayName ?? node.hostname ?? null} />
        {node.mail && <span className="quiet small">{node.mail}</span>}
      </li>
    )
  );
}

export function RecordLink({ id, name }: { id: string; name: string | null }) {
  return (
    <button type="button" className="link" onClick={() => openPanel('record', id)}>
      {name ?? texts.record.nameless}
    </button>
  );
}
