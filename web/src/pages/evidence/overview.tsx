// At a glance: who is asked for a second factor and who is not, policies, devices, checks.

import { type ReactNode, useState } from 'react';
import { EvidenceDevicesDocument, EvidencePoliciesDocument } from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { IconRight } from '../../parts/icons.tsx';
import { Empty, Failed } from '../../parts/states.tsx';
import { type Column, Pager, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { useSearch } from '../../router.tsx';
import { words } from '../../texts/evidence.ts';
import { texts } from '../../texts.ts';
import { CompliancePill } from '../company/records/state-pill.tsx';
import { useEvidence } from './context.ts';
import { Findings } from './findings.tsx';
import { toneOf } from './head.tsx';
import { Missing } from './missing.tsx';
import { PolicyPill, StatusPill, statuses } from './pills.tsx';
import type { Result, Stood } from './stood.ts';
import { Tally } from './tally.tsx';

export function Overview({ stood }: { stood: Stood }) {
  return (
    <div className="overview">
      <Coverage result={stood.mfaCoverage} />
      <div className="overview-side">
        <CheckStates results={stood.results} />
        <Policies stood={stood} />
        <Devices stood={stood} />
      </div>
    </div>
  );
}

function Coverage({ result }: { result: Stood['mfaCoverage'] }) {
  const [, change] = useSearch();
  if (!result)
    return (
      <section className="card part">
        <h2>{words.overview.mfa}</h2>
        <p className="quiet">{words.overview.mfaNone}</p>
      </section>
    );
  const { counts } = result;
  const uncovered = counts.failed + counts.excepted;
  const people = result.populations[0];
  return (
    <section className="card part coverage" aria-labelledby="mfa-title" data-testid="mfa">
      <header className="part-head">
        <h2 id="mfa-title">{words.overview.mfa}</h2>
        <button type="button" className="link" onClick={() => change({ check: result.checkId }, true)}>
          {result.check?.title ?? result.checkId}
        </button>
      </header>
      {result.status === 'INDETERMINATE' ? (
        <Missing result={result} />
      ) : (
        <>
          <p className="coverage-said">
            <StatusPill status={result.status} />{' '}
            {uncovered > 0 ? words.overview.uncovered(uncovered) : counts.review === 0 && words.overview.covered}
          </p>
          <Tally counts={counts} />
        </>
      )}
      {uncovered + counts.review + counts.notEvaluated > 0 && (
        <Findings check={result.checkId} none={words.overview.covered} />
      )}
      {people && (
        <details className="small quiet">
          <summary>{words.overview.population}</summary>
          <p className="statement">{people.completeness}</p>
        </details>
      )}
    </section>
  );
}

function CheckStates({ results }: { results: Result[] }) {
  const [, change] = useSearch();
  return (
    <Part title={words.overview.checks}>
      <ul className="state-list">
        {statuses.map((status) => {
          const count = results.filter((result) => result.status === status).length;
          return (
            <li key={status}>
              <State count={count} onOpen={() => change({ view: 'checks', status }, true)}>
                <StatusPill status={status} />
              </State>
            </li>
          );
        })}
      </ul>
    </Part>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card part" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

const isStale = (stood: Stood, resource: string) => stood.stale.some((reading) => reading.resource === resource);

/** Tells that what is shown is of an earlier reading, where the run could not read it whole. */
function Earlier({ stood, resource }: { stood: Stood; resource: string }) {
  const stale = stood.stale.find((reading) => reading.resource === resource);
  if (!stale) return null;
  return (
    <p className={`notice small ${toneOf([stale])}`}>
      <span>
        {words.outcomes[stale.outcome]},{' '}
        {stale.lastReadAt ? (
          <>
            {words.head.lastRead} <Time at={stale.lastReadAt} as="relative" />
          </>
        ) : (
          words.head.neverRead
        )}
      </span>
    </p>
  );
}

interface StateProps {
  count: number;
  children: ReactNode;
  /** Whether its list is shown, where it has one below. */
  open?: boolean;
  onOpen(): void;
}

/** One state with how many are in it, and the way to them. */
function State({ count, children, open, onOpen }: StateProps) {
  return (
    <button type="button" className="state" onClick={onOpen} disabled={count === 0} aria-expanded={open}>
      {children}
      <span className="state-count">{texts.common.number(count)}</span>
      <IconRight />
    </button>
  );
}

const policyStates = ['enabled', 'enabledForReportingButNotEnforced', 'disabled'] as const;

function Policies({ stood }: { stood: Stood }) {
  const [open, setOpen] = useState<string | null>(null);
  const counts = {
    enabled: stood.enabled.totalCount,
    enabledForReportingButNotEnforced: stood.reportOnly.totalCount,
    disabled: stood.disabled.totalCount,
  };
  return (
    <Part title={words.overview.policies}>
      <Earlier stood={stood} resource="ca_policies" />
      <ul className="state-list">
        {policyStates.map((state) => (
          <li key={state}>
            <State
              count={counts[state]}
              open={open === state}
              onOpen={() => setOpen((now) => (now === state ? null : state))}
            >
              <PolicyPill state={state} />
            </State>
            {open === state && <ObjectList query={EvidencePoliciesDocument} state={state} say={words.policies} />}
          </li>
        ))}
      </ul>
    </Part>
  );
}

const usual = ['noncompliant', 'inGracePeriod', 'compliant'];

function Devices({ stood }: { stood: Stood }) {
  const [open, setOpen] = useState<string | null>(null);
  const all = stood.devices.totalCount;
  // Microsoft's own words; those that few tenants have are shown where they occur.
  const states: [string, number][] = (
    [
      ['noncompliant', stood.noncompliant.totalCount],
      ['inGracePeriod', stood.inGracePeriod.totalCount],
      ['error', stood.error.totalCount],
      ['conflict', stood.conflict.totalCount],
      ['unknown', stood.unknown.totalCount],
      ['configManager', stood.configManager.totalCount],
      ['compliant', stood.compliant.totalCount],
    ] as [string, number][]
  ).filter(([state, count]) => count > 0 || usual.includes(state));
  const other = all - states.reduce((sum, [, count]) => sum + count, 0);
  if (all === 0)
    return (
      <Part title={words.overview.devices}>
        <Earlier stood={stood} resource="managed_devices" />
        {/* What could not be looked at is not said to be empty. */}
        {!isStale(stood, 'managed_devices') && <p className="quiet">{words.overview.noDevices}</p>}
      </Part>
    );
  return (
    <Part title={words.overview.devices}>
      <Earlier stood={stood} resource="managed_devices" />
      <ul className="state-list">
        {states.map(([state, count]) => (
          <li key={state}>
            <State count={count} open={open === state} onOpen={() => setOpen((now) => (now === state ? null : state))}>
              <CompliancePill state={state} />
            </State>
            {open === state && <ObjectList query={EvidenceDevicesDocument} state={state} say={words.devices} />}
          </li>
        ))}
        {other > 0 && (
          <li className="state">
            <span className="pill">{words.overview.other}</span>
            <span className="state-count">{texts.common.number(other)}</span>
          </li>
        )}
      </ul>
    </Part>
  );
}

const SIZE = 10;

interface Row {
  objectId: string;
  name: string | null;
  since: string;
}

const columns: Column<Row>[] = [
  {
    key: 'name',
    title: texts.fields.displayName,
    cell: (row) => row.name ?? row.objectId,
    text: (row) => row.name ?? '',
  },
  {
    key: 'since',
    title: words.policies.since,
    cell: (row) => <Time at={row.since} />,
    text: (row) => row.since,
    align: 'end',
  },
];

interface ObjectListProps {
  query: typeof EvidencePoliciesDocument | typeof EvidenceDevicesDocument;
  state: string;
  say: { label: string; none: string };
}

/** What stands in a state, by name. */
function ObjectList({ query, state, say }: ObjectListProps) {
  const { company, asOf, revision } = useEvidence();
  const paging = usePaging(SIZE, `${state} ${asOf}`);
  const asked = useAsked(query, { company, asOf, state, ...paging.page }, revision);
  const found = asked.data?.company?.evidence?.objects;
  if (asked.error) return <Failed error={asked.error} retry={asked.retry} />;
  const turns = found && (found.pageInfo.hasNextPage || found.pageInfo.hasPreviousPage);
  return (
    <Table
      label={say.label}
      columns={columns}
      rows={found?.edges.map(({ node }) => node)}
      rowKey={(row) => row.objectId}
      busy={asked.outdated}
      size={3}
      empty={<Empty title={say.none} />}
      pager={
        turns && <Pager paging={paging} info={found.pageInfo} shown={found.edges.length} total={found.totalCount} />
      }
    />
  );
}
