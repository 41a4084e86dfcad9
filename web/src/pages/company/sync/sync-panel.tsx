// Sync With M365: how it stands, what it is doing, what came of it, and what to do next.
//
// Its outline is the same in every state, so that nothing below it moves while a run goes by.

import { useEffect } from 'react';
import type { RunFragment } from '../../../gql/graphql.ts';
import { IconCheck, IconClock, IconCross, IconHand, IconLink, IconSync, IconWarn } from '../../../parts/icons.tsx';
import { duration, Time } from '../../../parts/time.tsx';
import { useDelayed } from '../../../parts/use-delayed.ts';
import { Link } from '../../../router.tsx';
import { texts } from '../../../texts.ts';
import { useCompany } from '../context.ts';
import { Counts } from './counts.tsx';
import { InviteButton } from './invite-button.tsx';
import { Notice } from './notice.tsx';
import { isActive, isOfClock, type Standing, standing, toneOf } from './standing.ts';
import { type Asking, type Told, useAsking } from './use-asking.ts';

const icons: Record<Standing, () => React.ReactNode> = {
  'not-connected': IconLink,
  'consent-pending': IconClock,
  disconnected: IconLink,
  reconnect: IconWarn,
  never: IconClock,
  queued: IconClock,
  running: IconSync,
  waiting: IconClock,
  complete: IconCheck,
  partial: IconWarn,
  failed: IconCross,
  cancelled: IconHand,
};

export function SyncPanel() {
  const { company, sync, may, refresh } = useCompany();
  const asking = useAsking(`${sync.run?.id} ${sync.run?.status}`);
  // Most clicks are answered before one could read that they were heard.
  const waiting = useDelayed(asking.asking, 400);
  const run = sync.run ?? null;
  const how = standing(company.tenant, run);
  const tone = toneOf(how);
  const Icon = icons[how];
  useLookAgain(refresh, how === 'consent-pending');
  const title = titleOf(how, run);
  return (
    <section className={`card sync-panel tone-${tone} is-${how}`} aria-labelledby="sync-title">
      <div className="sync-head">
        <span className={`sync-icon ${how === 'running' ? 'turning' : ''}`}>
          <Icon />
        </span>
        <div className="sync-said">
          <h2 id="sync-title" data-testid="sync-message">
            {title}
          </h2>
          <p className="quiet sync-detail">
            {waiting ? texts.sync.asking : <Detail how={how} run={run} told={asking.told} />}
          </p>
          {how === 'partial' && run?.failure && <Missing failure={run.failure} />}
        </div>
        <Actions how={how} asking={asking} />
      </div>
      <Progress run={run} percent={sync.progress} />
      <Notice told={asking.told} />
      {/* One in the other's place: nothing below moves when a run fails or has to wait. */}
      <div className={how === 'failed' || how === 'waiting' ? 'sync-middle in-trouble' : 'sync-middle'}>
        {(how === 'failed' || how === 'waiting') && run?.failure && (
          <Trouble failure={run.failure} tone={how === 'failed' ? 'bad' : 'warn'} />
        )}
        <Counts run={run} />
      </div>
      <footer className="sync-foot quiet">
        <Connection />
        <LastComplete />
        <Next />
      </footer>
      <p className="sr-only" role="status">
        {/* What changes with every page that is read would never stop talking. */}
        {how === 'running' ? texts.sync.spokenRunning : title}
      </p>
      {!may('SYNC_COMPANY') && !may('CONNECT') && <p className="sr-only">{texts.sync.lookOnly}</p>}
    </section>
  );
}

/** Nobody tells how an attempt to consent went: it is asked for when somebody comes back to the page. */
function useLookAgain(refresh: () => void, waiting: boolean) {
  useEffect(() => {
    if (!waiting) return;
    const look = () => document.visibilityState === 'visible' && refresh();
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, [refresh, waiting]);
}

function titleOf(how: Standing, run: RunFragment | null): string {
  const own = texts.sync.titles[how as keyof typeof texts.sync.titles];
  return own ?? run?.message ?? '';
}

function Detail({ how, run, told }: { how: Standing; run: RunFragment | null; told: Told | null }) {
  const { company } = useCompany();
  if (how === 'reconnect') return <>{company.tenant?.statusReason ?? texts.sync.reconnectText}</>;
  if (how === 'consent-pending' && company.tenant?.statusReason)
    return (
      <>
        {company.tenant.statusReason} {texts.sync.linkAgain}
      </>
    );
  const said = texts.sync.details[how as keyof typeof texts.sync.details];
  if (said) return <>{said}</>;
  if (!run) return null;
  const by = isOfClock(run) ? texts.sync.byClock : texts.sync.by(run.requestedBy);
  // It was about that run, and is old news once that has ended.
  if (isActive(run) && told?.kind === 'joined' && told.run.id === run.id)
    return (
      <span role="status" data-testid="joined">
        {isOfClock(run) ? texts.sync.joinedClock : texts.sync.joined(run.requestedBy)}{' '}
        <Time at={run.queuedAt} as="relative" />
      </span>
    );
  if (run.status === 'QUEUED' && run.trigger === 'SCHEDULED')
    return (
      <>
        {texts.sync.queuedByClock} <Time at={run.queuedAt} />, {texts.sync.begins}{' '}
        <Time at={run.notBefore ?? run.queuedAt} />
      </>
    );
  if (isActive(run))
    return (
      <>
        {by} · <Time at={run.startedAt ?? run.queuedAt} as="relative" />
        {run.status === 'WAITING' && run.notBefore && (
          <>
            {' · '}
            {texts.sync.goesOn} <Time at={run.notBefore} />
          </>
        )}
        {run.mode === 'FULL' && ` · ${texts.sync.full}`}
      </>
    );
  const took = run.startedAt && run.finishedAt ? Date.parse(run.finishedAt) - Date.parse(run.startedAt) : undefined;
  return (
    <>
      {run.finishedAt && (
        <>
          <Time at={run.finishedAt} as="relative" /> ·{' '}
        </>
      )}
      {took !== undefined && `${texts.sync.took(duration(took))} · `}
      {by}
    </>
  );
}

function Progress({ run, percent }: { run: RunFragment | null; percent: number | null }) {
  const active = isActive(run);
  const unknown = active && percent === null;
  return (
    <div
      className={`progress ${active ? 'active' : ''} ${unknown ? 'unknown' : ''}`}
      role="progressbar"
      aria-label={texts.sync.progress}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={unknown ? undefined : active ? (percent ?? 0) : 100}
      aria-hidden={!active}
    >
      {/* Another run begins a bar of its own rather than letting this one run back. */}
      <div key={run?.id} className="progress-bar" style={{ transform: `scaleX(${(percent ?? 0) / 100})` }} />
    </div>
  );
}

function Actions({ how, asking }: { how: Standing; asking: Asking }) {
  const { may } = useCompany();
  const unconnected = how === 'not-connected' || how === 'consent-pending' || how === 'disconnected';
  const mayConnect = may('CONNECT');
  if (unconnected || how === 'reconnect') {
    if (!mayConnect) return null;
    return (
      <div className="sync-actions">
        <InviteButton asking={asking} />
        <button type="button" className="button primary" onClick={asking.toMicrosoft} aria-disabled={asking.asking}>
          {how === 'reconnect' ? texts.sync.reconnect : texts.sync.sync}
        </button>
      </div>
    );
  }
  if (!may('SYNC_COMPANY')) return null;
  return (
    <div className="sync-actions">
      <button
        type="button"
        className="button quiet-button"
        onClick={() => asking.sync('FULL')}
        aria-disabled={asking.asking}
        title={texts.sync.fullTitle}
      >
        {texts.sync.readAll}
      </button>
      <button
        type="button"
        className="button primary"
        onClick={() => asking.sync('AUTO')}
        aria-disabled={asking.asking}
      >
        {texts.sync.sync}
      </button>
    </div>
  );
}

type Failure = NonNullable<RunFragment['failure']>;

function Trouble({ failure, tone }: { failure: Failure; tone: 'bad' | 'warn' }) {
  return (
    // What is more than fits is scrolled to, and nothing in it takes the keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <section className={`notice ${tone} trouble`} aria-label={texts.sync.trouble} tabIndex={0}>
      <Said failure={failure} />
    </section>
  );
}

/** What the rest was read without. It is a line in a place that is held free for it, until somebody unfolds it. */
function Missing({ failure }: { failure: Failure }) {
  return (
    <details className="unfolded small">
      <summary className="warn-ink">{texts.sync.missing}</summary>
      <div className="notice warn trouble">
        <Said failure={failure} />
      </div>
    </details>
  );
}

function Said({ failure }: { failure: Failure }) {
  return (
    <>
      <p>{failure.message}</p>
      <p>
        <strong>{texts.sync.remedy}</strong> {failure.remedy}
      </p>
    </>
  );
}

/** Until when everything is known to be as Microsoft has it, also while a run goes or has failed. */
function LastComplete() {
  const { company } = useCompany();
  const at = company.lastComplete.edges[0]?.node.finishedAt;
  if (!at) return null;
  return (
    <span data-testid="last-complete">
      {texts.sync.lastComplete} <Time at={at} as="relative" />
    </span>
  );
}

function Next() {
  const { company } = useCompany();
  const { nextSyncAt } = company;
  if (nextSyncAt)
    return (
      <span>
        {texts.sync.next} <Time at={nextSyncAt} /> (<Time at={nextSyncAt} as="relative" />)
      </span>
    );
  // Of a company that is connected there is no next one because somebody has paused them, and for no other reason.
  if (company.tenant?.status !== 'CONNECTED') return null;
  return <Link to={`/companies/${encodeURIComponent(company.id)}/settings`}>{texts.sync.paused}</Link>;
}

function Connection() {
  const { company } = useCompany();
  const { tenant } = company;
  if (!tenant?.connectedAt) return <span>{texts.sync.readOnly}</span>;
  // The first run reads what it is called.
  const name = tenant.displayName ?? tenant.domain;
  return (
    <span>
      {name}
      {tenant.consentedBy && (
        <>
          {name && ' · '}
          {texts.sync.consentBy(tenant.consentedBy)} <Time at={tenant.connectedAt} as="relative" />
        </>
      )}
    </span>
  );
}
