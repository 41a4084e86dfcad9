// Deactivations that a run held, because there were suspiciously many: listed by name, released or thrown away by a person.

import { useState } from 'react';
import { useMutation } from 'urql';
import { plainly } from '../../../errors.ts';
import {
  DiscardHeldChangesDocument,
  HeldChangesDocument,
  type HeldChangesQuery,
  ReleaseHeldChangesDocument,
} from '../../../gql/graphql.ts';
import { Dialog, passesFocusOn } from '../../../parts/dialog.tsx';
import { Grown } from '../../../parts/grown.tsx';
import { IconWarn } from '../../../parts/icons.tsx';
import { Time } from '../../../parts/time.tsx';
import { texts } from '../../../texts.ts';
import { type CompanyContext, useCompany } from '../context.ts';

/** A run whose deactivations wait for a person. */
export interface Held {
  run: string;
  count: number;
}

type Holding = CompanyContext['company']['holding']['edges'][number]['node'];

export function HeldChanges() {
  const { company } = useCompany();
  // Kept apart from what is held: when somebody else decides first, whoever looks is told rather than cut short.
  const [open, setOpen] = useState<Held | null>(null);
  return (
    <>
      {/* At the lower edge of what is seen, wherever one has scrolled to: it moves nothing when it comes. */}
      {company.holding.edges.length > 0 && (
        <div className="held-all">
          {company.holding.edges.map(({ node }) => (
            <HeldBanner
              key={node.id}
              run={node}
              onLook={() => setOpen({ run: node.id, count: node.heldChanges.totalCount })}
            />
          ))}
        </div>
      )}
      {open && <HeldDialog key={open.run} held={open} onClose={() => setOpen(null)} />}
    </>
  );
}

function HeldBanner({ run, onLook }: { run: Holding; onLook(): void }) {
  const { may } = useCompany();
  return (
    <section className="card held" aria-label={texts.held.label} data-testid="held">
      <span className="held-icon">
        <IconWarn />
      </span>
      <div>
        <h2>{texts.held.title(run.heldChanges.totalCount)}</h2>
        <p className="quiet">
          {texts.held.text}{' '}
          {run.finishedAt && (
            <>
              {texts.held.at} <Time at={run.finishedAt} as="relative" />.
            </>
          )}
        </p>
      </div>
      <button type="button" className="button" onClick={onLook} ref={passesFocusOn}>
        {may('SETTLE_HELD_CHANGES') ? texts.held.look : texts.held.onlyLook}
      </button>
    </section>
  );
}

type Refusal = { code: string; message: string };

export function HeldDialog({ held, onClose }: { held: Held; onClose(): void }) {
  const { may, refresh } = useCompany();
  const [, release] = useMutation(ReleaseHeldChangesDocument);
  const [, discard] = useMutation(DiscardHeldChangesDocument);
  const [deed, setDeed] = useState<'release' | 'discard' | null>(null);
  const [refused, setRefused] = useState<string | null>(null);

  // Whatever came of it, what stands behind the dialog may be old.
  const close = () => {
    refresh();
    onClose();
  };

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
    const refusal: Refusal | undefined = errors?.[0];
    if (refusal) setRefused(refusal.code === 'NOTHING_HELD' ? texts.held.decided : refusal.message);
    else if (error) setRefused(plainly(error).text);
    else close();
  };

  return (
    <Dialog
      title={texts.held.dialog(held.count)}
      onClose={close}
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
      {/* It is longer than what is seen of it, and nothing in it takes the keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <ul className="held-list" aria-label={texts.held.list} tabIndex={0}>
        <Grown first={null} query={HeldChangesDocument} variables={{ run: held.run }} of={heldOf} row={row} />
      </ul>
    </Dialog>
  );
}

type Change = Extract<NonNullable<HeldChangesQuery['node']>, { __typename: 'SyncRun' }>['heldChanges'];

const heldOf = ({ node }: HeldChangesQuery) => (node?.__typename === 'SyncRun' ? node.heldChanges : undefined);

function row(change: Change['edges'][number]['node']) {
  return (
    <li key={change.recordId}>
      <span className="held-name">{change.name ?? texts.record.nameless}</span>
      <span className="quiet small">
        {texts.noun[change.kind]} · {texts.record.because[change.because]}
      </span>
    </li>
  );
}
