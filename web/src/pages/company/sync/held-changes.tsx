// Deactivations that a run held, because there were suspiciously many: listed by name, released or thrown away by a person.

import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { plainly } from '../../../errors.ts';
import {
  DiscardHeldChangesDocument,
  HeldChangesDocument,
  type HeldChangesQuery,
  ReleaseHeldChangesDocument,
} from '../../../gql/graphql.ts';
import { Dialog } from '../../../parts/dialog.tsx';
import { IconWarn } from '../../../parts/icons.tsx';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { Failed } from '../../../parts/states.tsx';
import { Time } from '../../../parts/time.tsx';
import { texts } from '../../../texts.ts';
import { useCompany } from '../context.ts';

interface Held {
  run: string;
  count: number;
  at: string | null;
}

export function HeldChanges() {
  const { company } = useCompany();
  const held = company.recentRuns.edges
    .map(({ node }) => ({ run: node.id, count: node.heldChanges.totalCount, at: node.finishedAt }))
    .filter(({ count }) => count > 0);
  return held.map((one) => <HeldBanner key={one.run} held={one} />);
}

function HeldBanner({ held }: { held: Held }) {
  const [open, setOpen] = useState(false);
  return (
    <section className="card held" aria-label={texts.held.label} data-testid="held">
      <span className="held-icon">
        <IconWarn />
      </span>
      <div>
        <h2>{texts.held.title(held.count)}</h2>
        <p className="quiet">
          {texts.held.text}{' '}
          {held.at && (
            <>
              {texts.held.at} <Time at={held.at} as="relative" />.
            </>
          )}
        </p>
      </div>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        {texts.held.look}
      </button>
      {open && <HeldDialog held={held} onClose={() => setOpen(false)} />}
    </section>
  );
}

function HeldDialog({ held, onClose }: { held: Held; onClose(): void }) {
  const { may, refresh } = useCompany();
  const [pages, setPages] = useState<(string | undefined)[]>([undefined]);
  const [, release] = useMutation(ReleaseHeldChangesDocument);
  const [, discard] = useMutation(DiscardHeldChangesDocument);
  const [deed, setDeed] = useState<'release' | 'discard' | null>(null);
  const [refused, setRefused] = useState<string | null>(null);

  const settle = async (which: 'release' | 'discard') => {
    if (deed) return;
    setDeed(which);
    setRefused(null);
    const variables = { run: held.run };
    const { error, errors } =
      which === 'release'
        ? await release(variables).then(({ error, data }) => ({ error, errors: data?.releaseHeldChanges.userErrors }))
        : await discard(variables).then(({ error, data }) => ({ error, errors: data?.discardHeldChanges.userErrors }));
    setDeed(null);
    refresh();
    const message = errors?.[0]?.message ?? (error && plainly(error).text);
    if (message) setRefused(message);
    else onClose();
  };

  return (
    <Dialog
      title={texts.held.dialog(held.count)}
      onClose={onClose}
      actions={
        may('SETTLE_HELD_CHANGES') ? (
          <>
            <button type="button" className="button" onClick={() => settle('discard')} aria-disabled={deed !== null}>
              {texts.held.discard}
            </button>
            <button
              type="button"
              className="button danger"
              onClick={() => settle('release')}
              aria-disabled={deed !== null}
            >
              {texts.held.release(held.count)}
            </button>
          </>
        ) : (
          <p className="quiet">{texts.held.lookOnly}</p>
        )
      }
    >
      <p>{texts.held.explain}</p>
      {refused && (
        <p className="notice bad" role="alert">
          {refused}
        </p>
      )}
      <ul className="held-list">
        {pages.map((after, index) => (
          <HeldPage
            key={after ?? 'first'}
            run={held.run}
            after={after}
            last={index === pages.length - 1}
            onMore={(cursor) => setPages([...pages, cursor])}
          />
        ))}
      </ul>
    </Dialog>
  );
}

interface HeldPageProps {
  run: string;
  after: string | undefined;
  last: boolean;
  onMore(cursor: string): void;
}

function HeldPage({ run, after, last, onMore }: HeldPageProps) {
  const [{ data, error }, ask] = useQuery({ query: HeldChangesDocument, variables: { run, after } });
  const connection = connectionOf(data);
  if (error)
    return (
      <li>
        <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />
      </li>
    );
  if (!connection)
    return (
      <li aria-busy="true">
        <Skeleton className="skeleton-card" />
      </li>
    );
  const { endCursor, hasNextPage } = connection.pageInfo;
  return (
    <>
      {connection.edges.map(({ node }) => (
        <li key={node.recordId}>
          <span className="held-name">{node.name ?? texts.record.nameless}</span>
          <span className="quiet small">
            {texts.noun[node.kind]} · {texts.record.because[node.because]}
          </span>
        </li>
      ))}
      {last && hasNextPage && endCursor && (
        <li>
          <button type="button" className="button small-button" onClick={() => onMore(endCursor)}>
            {texts.held.more}
          </button>
        </li>
      )}
    </>
  );
}

function connectionOf(data: HeldChangesQuery | undefined) {
  const node = data?.node;
  return node?.__typename === 'SyncRun' ? node.heldChanges : undefined;
}
