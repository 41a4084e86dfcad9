// The evidence of a company: how its tenant stood at an instant, as it was read, judged and kept.
//
// What is looked at is in the address: the view, the instant, the check. So it can be sent to somebody, who sees the same.

import { useMemo } from 'react';
import { codeOf } from '../../client.ts';
import { EvidenceDocument } from '../../gql/graphql.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Behind, Empty, Failed } from '../../parts/states.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { usePath, useSearch } from '../../router.tsx';
import { words } from '../../texts/evidence.ts';
import { texts } from '../../texts.ts';
import { useTitle } from '../../title.ts';
import { useCompany } from '../company/context.ts';
import { isActive } from '../company/sync/standing.ts';
import { type Sync, useSync } from '../company/sync/use-sync.ts';
import { Changes } from './changes.tsx';
import { CheckPanel } from './check-panel.tsx';
import { Checks } from './checks.tsx';
import { Evidence, type EvidenceContext, useEvidence } from './context.ts';
import { Declarations } from './declarations.tsx';
import { Frameworks } from './frameworks.tsx';
import { Head } from './head.tsx';
import { instant } from './moments.ts';
import { Overview } from './overview.tsx';
import { Record } from './record.tsx';
import type { Stood } from './stood.ts';
import './views.css';
import './evidence.css';

const views = ['overview', 'checks', 'frameworks', 'changes', 'declarations', 'record'] as const;
type View = (typeof views)[number];

export default function EvidenceTab() {
  const { company, may } = useCompany();
  const [search] = useSearch();
  const asOf = instant(search.get('at'));
  const sync = useSync(company.id, 'EVIDENCE', undefined);
  const { revision } = sync;
  const context = useMemo<EvidenceContext>(
    () => ({ company: company.id, asOf, revision, mayDeclare: may('DECLARE_EVIDENCE') }),
    [company.id, asOf, revision, may],
  );
  return (
    <Evidence value={context}>
      <Loaded sync={sync} context={context} />
    </Evidence>
  );
}

function Loaded({ sync, context }: { sync: Sync; context: EvidenceContext }) {
  const { company, asOf, revision } = context;
  const { data, error, behind, outdated, retry } = useAsked(EvidenceDocument, { company, asOf }, revision);
  const [search] = useSearch();
  const view = views.find((one) => one === search.get('view')) ?? 'overview';
  const check = search.get('check');
  const { name } = useCompany().company;
  useTitle([...(view === 'overview' ? [] : [words.views[view]]), texts.company.tabs.evidence, name]);
  const stood = data?.company?.evidence;
  // What is said of another instant, as if it were of this one, would be believed.
  const known = outdated ? undefined : data?.company;
  return (
    <div className="evidence">
      <Head sync={sync} known={known} stood={known?.evidence} waiting={!known && !error} />
      <Views current={view} />
      {behind && <Behind error={behind} retry={retry} />}
      <div className={outdated ? 'outdated' : undefined} aria-busy={(!data && !error) || outdated}>
        {asOf && codeOf(error) === 'BAD_INPUT' ? (
          <Elsewhen title={words.none.ahead} text={words.none.aheadText} />
        ) : error ? (
          <div className="card">
            <Failed error={error} retry={retry} />
          </div>
        ) : !data ? (
          <Skeleton className="skeleton-rows" />
        ) : !stood && needsOne.includes(view) ? (
          <None running={isActive(sync.run)} />
        ) : (
          <Shown view={view} stood={stood} />
        )}
      </div>
      {check && stood && <CheckPanel key={check} id={check} />}
    </div>
  );
}

/** Views that show what a run saw, and have nothing to show without one. */
const needsOne: View[] = ['overview', 'checks', 'frameworks'];

function Shown({ view, stood }: { view: View; stood: Stood | null | undefined }) {
  if (view === 'changes') return <Changes until={stood?.asOf} />;
  if (view === 'declarations') return <Declarations />;
  if (view === 'record') return <Record />;
  if (!stood) return null;
  if (view === 'checks') return <Checks results={stood.results} />;
  if (view === 'frameworks') return <Frameworks />;
  return <Overview stood={stood} />;
}

function Views({ current }: { current: View }) {
  const path = usePath();
  const { asOf } = useEvidence();
  return (
    <div className="views">
      <Tabs
        label={words.views.label}
        tabs={views.map((view) => {
          // The instant goes along, what was filtered for stays behind.
          const to = new URLSearchParams();
          if (asOf) to.set('at', asOf);
          if (view !== 'overview') to.set('view', view);
          const query = to.size > 0 ? `?${to}` : '';
          return { to: path + query, label: words.views[view], current: view === current };
        })}
      />
    </div>
  );
}

function None({ running }: { running: boolean }) {
  const { company } = useCompany();
  const { asOf } = useEvidence();
  if (asOf) return <Elsewhen title={words.none.before} text={words.none.beforeText} />;
  return (
    <div className="card">
      {running ? (
        <Empty title={words.none.running}>{words.none.runningText}</Empty>
      ) : (
        <Empty title={words.none.never}>
          {words.none.neverText} {!company.tenant?.connectedAt && words.none.unconnected}
        </Empty>
      )}
    </div>
  );
}

/** There is nothing to see at the instant that is looked at. */
function Elsewhen({ title, text }: { title: string; text: string }) {
  const [, change] = useSearch();
  return (
    <div className="card">
      <Empty
        title={title}
        action={
          <button type="button" className="button" onClick={() => change({ at: undefined }, true)}>
            {words.head.back}
          </button>
        }
      >
        {text}
      </Empty>
    </div>
  );
}
