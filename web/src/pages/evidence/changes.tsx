// What changed between two instants: in the tenant, and in what was found.

import { useEffect, useState } from 'react';
import {
  EvidenceChangesDocument,
  type EvidenceChangesQuery,
  EvidenceFindingChangesDocument,
} from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Empty, Failed } from '../../parts/states.tsx';
import { Pager } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { useSearch } from '../../router.tsx';
import { words } from '../../texts/evidence.ts';
import { texts } from '../../texts.ts';
import { useEvidence } from './context.ts';
import { nameOf } from './findings.tsx';
import { fromField, instant, toField } from './moments.ts';
import { shown } from './why.tsx';

const WEEK = 7 * 86_400_000;
const SIZE = 25;

interface Period {
  from: string;
  to: string;
}

/** `until` is the instant that is looked at, by the server's clock. */
export function Changes({ until }: { until: string | undefined }) {
  const [search, change] = useSearch();
  const [opened] = useState(() => new Date().toISOString());
  const to = instant(search.get('to')) ?? until ?? opened;
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
  const { data, error, outdated, retry } = asked;
  const between = data?.company?.evidenceChanges;
  return (
    <section className="card part" aria-labelledby="changed-objects">
      <header>
        <h2 id="changed-objects">{words.changes.objects}</h2>
        {between && <Runs between={between} />}
      </header>
      {error ? (
        <Failed error={error} retry={retry} />
      ) : !data ? (
        <Skeleton className="skeleton-card" />
      ) : !between ? (
        <Empty title={words.changes.none}>{words.changes.noneText}</Empty>
      ) : between.objects.totalCount === 0 ? (
        <Empty title={words.changes.noObjects} />
      ) : (
        <>
          <ul className={`change-list ${outdated ? 'outdated' : ''}`}>
            {between.objects.edges.map(({ node }) => (
              <ObjectChange key={`${node.runNumber} ${node.resource} ${node.objectId}`} change={node} />
            ))}
          </ul>
          <Pager
            paging={paging}
            info={between.objects.pageInfo}
            shown={between.objects.edges.length}
            total={between.objects.totalCount}
          />
        </>
      )}
    </section>
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
      {change.change === 'CHANGED' &&
        change.paths.slice(0, MOST_PATHS).map((path) => (
          <span key={path.path} className="field-change small">
            <span className="quiet">{path.path}</span> <del>{shown(path.before)}</del> → <ins>{shown(path.after)}</ins>
          </span>
        ))}
      {change.change === 'CHANGED' && change.paths.length > MOST_PATHS && (
        <span className="quiet small">{texts.record.andMore(change.paths.length - MOST_PATHS)}</span>
      )}
    </li>
  );
}

const stateTones = { OPEN: 'bad', CLOSED: 'good', NOT_EVALUATED: 'warn' } as const;

function FindingChanges({ from, to }: Period) {
  const { company, revision } = useEvidence();
  const [, change] = useSearch();
  const paging = usePaging(SIZE, `${from} ${to}`);
  const asked = useAsked(EvidenceFindingChangesDocument, { company, from, to, ...paging.page }, revision);
  const { data, error, outdated, retry } = asked;
  const found = data?.company?.evidenceChanges?.findings;
  return (
    <section className="card part" aria-labelledby="changed-findings">
      <h2 id="changed-findings">{words.changes.findings}</h2>
      {error ? (
        <Failed error={error} retry={retry} />
      ) : !data ? (
        <Skeleton className="skeleton-card" />
      ) : !found || found.totalCount === 0 ? (
        <Empty title={words.changes.noFindings} />
      ) : (
        <>
          <ul className={`change-list ${outdated ? 'outdated' : ''}`}>
            {found.edges.map(({ node }) => (
              <li key={`${node.checkId} ${node.resource} ${node.objectId} ${node.at}`}>
                <span className="change-head">
                  <span className="change-name">{nameOf(node)}</span>
                  <span className={`pill ${stateTones[node.state]}`}>{words.changes.states[node.state]}</span>
                </span>
                <span className="small">{node.because}</span>
                <span className="quiet small">
                  <button type="button" className="link" onClick={() => change({ check: node.checkId }, true)}>
                    {node.checkId}
                  </button>{' '}
                  · <Time at={node.at} />
                </span>
              </li>
            ))}
          </ul>
          <Pager paging={paging} info={found.pageInfo} shown={found.edges.length} total={found.totalCount} />
        </>
      )}
    </section>
  );
}
