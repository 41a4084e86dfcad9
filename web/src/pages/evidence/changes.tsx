// What changed between two instants: in the tenant, and in what was found.

import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import {
  CheckTitlesDocument,
  EvidenceChangesDocument,
  type EvidenceChangesQuery,
  EvidenceFindingChangesDocument,
  type EvidenceFindingChangesQuery,
} from '../../gql/graphql.ts';
import { type Paging, usePaging } from '../../paging.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Answer, Empty } from '../../parts/states.tsx';
import { Pager } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { useMost } from '../../parts/use-most.tsx';
import { openPanel, useSearch } from '../../router.tsx';
import { words } from '../../texts/evidence.ts';
import { useEvidence } from './context.ts';
import { nameOf } from './findings.tsx';
import { spaced } from './lineage.ts';
import { fromField, instant, toField } from './moments.ts';
import { shown } from './why.tsx';

const WEEK = 7 * 86_400_000;
const SIZE = 25;

interface Period {
  from: string;
  to: string;
}

/** `until` is the instant that is looked at, by the server's clock; undefined where nothing had been kept by then. */
export function Changes({ until }: { until: string | undefined }) {
  const [search, change] = useSearch();
  const { asOf } = useEvidence();
  const [opened] = useState(() => new Date().toISOString());
  const to = instant(search.get('to')) ?? until ?? asOf ?? opened;
  const from = instant(search.get('from')) ?? new Date(Date.parse(to) - WEEK).toISOString();
  const ordered = Date.parse(from) < Date.parse(to);
  return (
    <div className="records">
      <div className="toolbar">
        <Moment label={words.changes.from} at={from} onChange={(value) => change({ from: value })} />
        <Moment label={words.changes.to} at={to} onChange={(value) => change({ to: value })} />
      </div>
      {ordered ? (
        <div className="change-columns">
          <Objects from={from} to={to} />
          <FindingChanges from={from} to={to} />
        </div>
      ) : (
        <p className="notice warn" role="alert">
          {words.changes.order}
        </p>
      )}
    </div>
  );
}

/** A field that takes effect when it is left, for until then it says something else with every key. */
function Moment({ label, at, onChange }: { label: string; at: string; onChange(value: string): void }) {
  const shown = toField(at);
  const [draft, setDraft] = useState(shown);
  useEffect(() => setDraft(shown), [shown]);
  const go = () => {
    const value = fromField(draft);
    if (value && draft !== shown) onChange(value);
  };
  return (
    <label className="moment">
      <span className="quiet">{label}</span>
      <input
        className="field"
        type="datetime-local"
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={go}
        onKeyDown={(event) => event.key === 'Enter' && go()}
      />
    </label>
  );
}

type Between = NonNullable<NonNullable<EvidenceChangesQuery['company']>['evidenceChanges']>;

function Objects({ from, to }: Period) {
  const { company, revision } = useEvidence();
  const paging = usePaging(SIZE, `${from} ${to}`);
  const asked = useAsked(EvidenceChangesDocument, { company, from, to, ...paging.page }, revision);
  const between = asked.outdated ? undefined : asked.data?.company?.evidenceChanges;
  return (
    <section className="card part" aria-labelledby="changed-objects">
      <header>
        <h2 id="changed-objects">{words.changes.objects}</h2>
        {between && <Runs between={between} />}
      </header>
      <Answer asked={asked} waiting={<Skeleton className="skeleton-card" />}>
        {(data) => <ObjectChanges between={data.company?.evidenceChanges} paging={paging} />}
      </Answer>
    </section>
  );
}

function ObjectChanges({ between, paging }: { between: Between | null | undefined; paging: Paging }) {
  if (!between) return <Empty title={words.changes.none}>{words.changes.noneText}</Empty>;
  const { edges, pageInfo, totalCount } = between.objects;
  if (totalCount === 0) return <Empty title={words.changes.noObjects} />;
  return (
    <>
      <ul className="change-list">
        {edges.map(({ node }) => (
          <ObjectChange key={`${node.runNumber} ${node.resource} ${node.objectId}`} change={node} />
        ))}
      </ul>
      <Pager paging={paging} info={pageInfo} shown={edges.length} total={totalCount} />
    </>
  );
}

function Runs({ between }: { between: Between }) {
  const { fromRun, toRun } = between;
  return (
    <p className="quiet small">
      {fromRun ? (
        <>
          {words.changes.run(fromRun.number)} (<Time at={fromRun.takenAt} />)
        </>
      ) : (
        words.changes.nothingBefore
      )}{' '}
      → {words.changes.run(toRun.number)} (<Time at={toRun.takenAt} />)
    </p>
  );
}

type Changed = Between['objects']['edges'][number]['node'];
const MOST_PATHS = 5;
const tones = { ADDED: 'good', CHANGED: 'accent', REMOVED: '' } as const;

function ObjectChange({ change }: { change: Changed }) {
  const [paths, rest] = useMost(change.change === 'CHANGED' ? change.paths : [], MOST_PATHS);
  return (
    <li>
      <span className="change-head">
        <span className="change-name">{nameOf(change)}</span>
        <span className={`pill ${tones[change.change]}`}>{words.changes.kinds[change.change]}</span>
      </span>
      <span className="quiet small">
        {words.resources[change.resource] ?? change.resource} · <Time at={change.at} />,{' '}
        {words.changes.seenBy(change.runNumber)}
      </span>
      {paths.map((path) => (
        <span key={path.path} className="field-change small">
          <span className="quiet" title={path.path}>
            {spaced(path.path)}:
          </span>{' '}
          <del>{shown(path.before)}</del> → <ins>{shown(path.after)}</ins>
        </span>
      ))}
      {rest && <span>{rest}</span>}
    </li>
  );
}

const stateTones = { OPEN: 'bad', CLOSED: 'good', NOT_EVALUATED: 'warn' } as const;

function FindingChanges({ from, to }: Period) {
  const { company, revision } = useEvidence();
  const paging = usePaging(SIZE, `${from} ${to}`);
  const asked = useAsked(EvidenceFindingChangesDocument, { company, from, to, ...paging.page }, revision);
  return (
    <section className="card part" aria-labelledby="changed-findings">
      <h2 id="changed-findings">{words.changes.findings}</h2>
      <Answer asked={asked} waiting={<Skeleton className="skeleton-card" />}>
        {(data) => <FindingList found={data.company?.evidenceChanges?.findings} paging={paging} />}
      </Answer>
    </section>
  );
}

type Found = NonNullable<NonNullable<EvidenceFindingChangesQuery['company']>['evidenceChanges']>['findings'];

function FindingList({ found, paging }: { found: Found | undefined; paging: Paging }) {
  const [{ data }] = useQuery({ query: CheckTitlesDocument, requestPolicy: 'cache-first' });
  const titles = new Map(data?.checks.map(({ id, title }) => [id, title]));
  if (!found || found.totalCount === 0) return <Empty title={words.changes.noFindings} />;
  return (
    <>
      <ul className="change-list">
        {found.edges.map(({ node }) => (
          <li key={`${node.checkId} ${node.resource} ${node.objectId} ${node.at}`}>
            <span className="change-head">
              <span className="change-name">{nameOf(node)}</span>
              <span className={`pill ${stateTones[node.state]}`}>{words.changes.states[node.state]}</span>
            </span>
            <span className="small">{node.because}</span>
            <span className="quiet small">
              <button type="button" className="link" onClick={() => openPanel('check', node.checkId)}>
                {titles.get(node.checkId) ?? node.checkId}
              </button>{' '}
              · <Time at={node.at} />
            </span>
          </li>
        ))}
      </ul>
      <Pager paging={paging} info={found.pageInfo} shown={found.edges.length} total={found.totalCount} />
    </>
  );
}
