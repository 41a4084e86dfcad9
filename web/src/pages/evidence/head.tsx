// Which evidence is shown: of when, by which run; and a new one, collected while one looks.

import { useEffect, useState } from 'react';
import { useMutation } from 'urql';
import { plainly } from '../../errors.ts';
import { type RunFragment, SyncCompanyDocument } from '../../gql/graphql.ts';
import { IconClock, IconSync } from '../../parts/icons.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Time } from '../../parts/time.tsx';
import { useSearch } from '../../router.tsx';
import { words } from '../../texts/evidence.ts';
import { texts } from '../../texts.ts';
import { useCompany } from '../company/context.ts';
import { isActive } from '../company/sync/standing.ts';
import type { Sync } from '../company/sync/use-sync.ts';
import { useEvidence } from './context.ts';
import { fromField, toField } from './moments.ts';
import type { Known, Stood } from './stood.ts';
import { inWords } from './tally.tsx';

interface Props {
  sync: Sync;
  known: Known | null | undefined;
  stood: Stood | null | undefined;
  /** Whether it is yet to be told what is known. */
  waiting: boolean;
}

export function Head({ sync, known, stood, waiting }: Props) {
  const run = sync.run ?? known?.latestSync ?? null;
  const active = isActive(run);
  return (
    <section className="card evidence-head" aria-label={words.head.label}>
      <div className="evidence-line">
        <div className="evidence-said">
          <Said known={known} stood={stood} run={run} active={active} waiting={waiting} />
          <Trouble run={run} stood={stood} />
        </div>
        <AsOf />
        <Collect active={active} />
      </div>
      <Progress run={active ? run : null} percent={sync.progress} />
    </section>
  );
}

function Said({
  known,
  stood,
  run,
  active,
  waiting,
}: Omit<Props, 'sync'> & { run: RunFragment | null; active: boolean }) {
  const past = useEvidence().asOf !== undefined;
  return (
    <>
      <h2 data-testid="evidence-message">{active && run && !past ? run.message : titleOf(known, stood, past)}</h2>
      <p className="quiet">
        {stood ? (
          <>
            <Time at={stood.run.takenAt} /> (<Time at={stood.run.takenAt} as="relative" />
            ), {words.head.seen(stood.run.number)}
          </>
        ) : (
          waiting && <Skeleton className="skeleton-text" />
        )}
        {known?.nextSyncAt && !past && (
          <>
            {stood && ' · '}
            {words.head.next} <Time at={known.nextSyncAt} />
          </>
        )}
      </p>
      <p className="sr-only" role="status">
        {active ? words.head.spokenRunning : ''}
      </p>
    </>
  );
}

function titleOf(known: Props['known'], stood: Props['stood'], past: boolean): string {
  if (past) return words.head.past;
  return stood || known === undefined ? words.head.newest : words.none.never;
}

/** The instant that is looked at, in the address. */
function AsOf() {
  const { asOf } = useEvidence();
  const [, change] = useSearch();
  const shown = asOf ? toField(asOf) : '';
  const [draft, setDraft] = useState(shown);
  useEffect(() => setDraft(shown), [shown]);
  const [refused, setRefused] = useState(false);
  const go = () => {
    if (draft === shown) return;
    const instant = fromField(draft);
    const future = instant !== undefined && Date.parse(instant) > Date.now();
    setRefused(future);
    if (!future) change({ at: instant }, true);
  };
  return (
    <form
      className="as-of"
      onSubmit={(event) => {
        event.preventDefault();
        go();
      }}
    >
      <label className="quiet small" htmlFor="evidence-at">
        {words.head.at}
      </label>
      <span className="as-of-fields">
        <IconClock />
        <input
          id="evidence-at"
          className="field"
          type="datetime-local"
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          aria-invalid={refused}
          aria-describedby={refused ? 'evidence-at-refused' : undefined}
        />
        <button type="submit" className="button small-button" aria-disabled={draft === shown}>
          {words.head.show}
        </button>
        {asOf && (
          <button
            type="button"
            className="button small-button"
            onClick={() => {
              setRefused(false);
              change({ at: undefined }, true);
            }}
          >
            {words.head.now}
          </button>
        )}
      </span>
      {refused && (
        <span id="evidence-at-refused" className="small bad-ink" role="alert">
          {words.head.future}
        </span>
      )}
    </form>
  );
}

function Collect({ active }: { active: boolean }) {
  const { company, may } = useCompany();
  const [, collect] = useMutation(SyncCompanyDocument);
  const [asking, setAsking] = useState(false);
  const [told, setTold] = useState<string | null>(null);
  useEffect(() => {
    if (!active) setTold(null);
  }, [active]);
  if (!may('SYNC_COMPANY') || !company.tenant?.connectedAt) return null;
  const ask = async () => {
    if (asking) return;
    setAsking(true);
    setTold(null);
    const { data, error } = await collect({ input: { companyId: company.id, kind: 'EVIDENCE' } });
    setAsking(false);
    const payload = data?.syncCompany;
    if (payload?.syncRun) setTold(payload.joined ? words.head.joined(payload.syncRun.requestedBy) : null);
    else setTold(payload?.userErrors[0]?.message ?? plainly(error).text);
  };
  return (
    <div className="evidence-collect">
      <button
        type="button"
        className="button primary"
        onClick={ask}
        aria-disabled={asking}
        title={words.head.collectTitle}
      >
        <IconSync />
        {words.head.collect}
      </button>
      {told && (
        <span className="small quiet" role="status">
          {told}
        </span>
      )}
    </div>
  );
}

function Progress({ run, percent }: { run: RunFragment | null; percent: number | null }) {
  const unknown = run !== null && percent === null;
  return (
    <div
      className={`progress ${run ? 'active' : ''} ${unknown ? 'unknown' : ''}`}
      role="progressbar"
      aria-label={words.head.progress}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={unknown ? undefined : (percent ?? 0)}
      aria-hidden={!run}
    >
      <div key={run?.id} className="progress-bar" style={{ transform: `scaleX(${(percent ?? 0) / 100})` }} />
    </div>
  );
}

type Stale = Stood['stale'][number];

/** What the tenant has no licence for is nothing to worry about. */
export const toneOf = (stale: Stale[]) => (stale.some(({ outcome }) => outcome !== 'LICENCE_MISSING') ? 'warn' : '');

/**
 * What went wrong with the newest run, and what the one that is shown could not read: of that, what was read before is
 * shown. It is a line in a place that is held free for it, until somebody unfolds it.
 */
function Trouble({ run, stood }: { run: RunFragment | null; stood: Stood | null | undefined }) {
  const { asOf } = useEvidence();
  const failure = asOf ? null : run?.failure;
  const stale = stood?.stale ?? [];
  if (!failure && stale.length === 0) return null;
  const failed = failure && run?.status === 'FAILED';
  const tone = failed ? 'bad' : failure ? 'warn' : toneOf(stale);
  const unread = stale.length > 0 ? words.head.unread(stale.length) : texts.sync.missing;
  return (
    <details className="unfolded small" data-testid="stale">
      <summary className={tone && `${tone}-ink`}>{failed ? words.head.failed : unread}</summary>
      <div className={`notice ${tone} trouble`}>
        {failure && (
          <>
            <p>{inWords(failure.message)}</p>
            <p>
              <strong>{texts.sync.remedy}</strong> {failure.remedy}
            </p>
          </>
        )}
        {stood && stale.length > 0 && <Unread stood={stood} />}
      </div>
    </details>
  );
}

function Unread({ stood: { stale, readings } }: { stood: Stood }) {
  const why = new Map(readings.map((reading) => [reading.resource, reading.refusalMessage]));
  return (
    <ul className="unread">
      {stale.map((reading) => (
        <li key={reading.resource}>
          <strong>{words.resources[reading.resource] ?? reading.resource}</strong>:{' '}
          {inWords(why.get(reading.resource) ?? words.outcomes[reading.outcome])}{' '}
          <span className="quiet">
            {reading.lastReadAt ? (
              <>
                ({words.head.lastRead} <Time at={reading.lastReadAt} as="relative" />)
              </>
            ) : (
              `(${words.head.neverRead})`
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
