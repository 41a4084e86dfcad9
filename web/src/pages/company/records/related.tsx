// Other records that one hangs together with, by name: a first page with the record, and more when they are wanted.

import { useState } from 'react';
import { MoreRelatedDocument, type MoreRelatedQuery } from '../../../gql/graphql.ts';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { Failed } from '../../../parts/states.tsx';
import { useAsked } from '../../../parts/use-asked.ts';
import { openPanel } from '../../../router.tsx';
import { texts } from '../../../texts.ts';

export type Relation = 'groups' | 'assets' | 'members' | 'memberOf';

interface Node {
  id?: string;
  displayName?: string | null;
  hostname?: string | null;
  mail?: string | null;
}

interface Connection {
  edges: { node: Node }[];
  pageInfo: { hasNextPage: boolean; endCursor?: string | null };
}

interface Props {
  title: string;
  record: string;
  relation: Relation;
  connection: Connection & { totalCount: number };
}

export function Related({ title, record, relation, connection }: Props) {
  const [more, setMore] = useState<string[]>([]);
  if (connection.totalCount === 0) return null;
  const onMore = (after: string) => setMore([...more, after]);
  return (
    <section>
      <h3>{title}</h3>
      <ul className="related">
        <Rows connection={connection} onMore={more.length === 0 ? onMore : undefined} />
        {more.map((after, index) => (
          <More
            key={after}
            record={record}
            relation={relation}
            after={after}
            onMore={index === more.length - 1 ? onMore : undefined}
          />
        ))}
      </ul>
    </section>
  );
}

interface MoreProps {
  record: string;
  relation: Relation;
  after: string;
  onMore: ((after: string) => void) | undefined;
}

function More({ record, relation, after, onMore }: MoreProps) {
  const { data, error, retry } = useAsked(MoreRelatedDocument, {
    id: record,
    after,
    groups: relation === 'groups',
    assets: relation === 'assets',
    members: relation === 'members',
    memberOf: relation === 'memberOf',
  });
  const connection = connectionOf(data?.node);
  if (error)
    return (
      <li>
        <Failed error={error} retry={retry} />
      </li>
    );
  if (connection) return <Rows connection={connection} onMore={onMore} />;
  return (
    <li aria-busy="true">
      <Skeleton className="skeleton-card" />
    </li>
  );
}

function connectionOf(node: MoreRelatedQuery['node'] | undefined): Connection | undefined {
  if (node?.__typename === 'Contact') return node.groups ?? node.assets;
  return node?.__typename === 'ContactGroup' ? (node.members ?? node.memberOf) : undefined;
}

function Rows({ connection, onMore }: { connection: Connection; onMore: MoreProps['onMore'] }) {
  const { hasNextPage, endCursor } = connection.pageInfo;
  return (
    <>
      {connection.edges.map(
        ({ node }) =>
          node.id && (
            <li key={node.id}>
              <RecordLink id={node.id} name={node.displayName ?? node.hostname ?? null} />
              {node.mail && <span className="quiet small">{node.mail}</span>}
            </li>
          ),
      )}
      {onMore && hasNextPage && endCursor && (
        <li>
          <button type="button" className="button small-button" onClick={() => onMore(endCursor)}>
            {texts.common.more}
          </button>
        </li>
      )}
    </>
  );
}

export function RecordLink({ id, name }: { id: string; name: string | null }) {
  return (
    <button type="button" className="link" onClick={() => openPanel('record', id)}>
      {name ?? texts.record.nameless}
    </button>
  );
}
