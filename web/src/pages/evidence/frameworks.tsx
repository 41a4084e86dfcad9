// A framework's controls, and the checks that support them. No check satisfies a control, so nothing is added up here.

import { useQuery } from 'urql';
import { EvidenceFrameworkDocument, type EvidenceFrameworkQuery, FrameworksDocument } from '../../gql/graphql.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Empty, Failed } from '../../parts/states.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { useSearch } from '../../router.tsx';
import { words } from '../../texts/evidence.ts';
import { useEvidence } from './context.ts';
import { StatusPill, statuses } from './pills.tsx';

type Supported = NonNullable<NonNullable<NonNullable<EvidenceFrameworkQuery['company']>['evidence']>['framework']>;
type Control = Supported['controls'][number];

const FIRST = 'soc2_2017_rev2022';

export function Frameworks() {
  const [search, change] = useSearch();
  const framework = search.get('framework') ?? FIRST;
  const [{ data, error }, ask] = useQuery({ query: FrameworksDocument, requestPolicy: 'cache-first' });
  if (error && !data) return <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />;
  return (
    <div className="records">
      <div className="toolbar">
        <label className="quiet" htmlFor="framework">
          {words.frameworks.choose}
        </label>
        <select
          id="framework"
          className="select framework-select"
          value={framework}
          onChange={(event) => change({ framework: event.target.value === FIRST ? undefined : event.target.value })}
        >
          {data?.frameworks.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}, {one.version}
            </option>
          ))}
        </select>
      </div>
      <One key={framework} id={framework} />
    </div>
  );
}

function One({ id }: { id: string }) {
  const { company, asOf, revision } = useEvidence();
  const { data, error, outdated, retry } = useAsked(
    EvidenceFrameworkDocument,
    { company, asOf, framework: id },
    revision,
  );
  if (error) return <Failed error={error} retry={retry} />;
  if (!data) return <Skeleton className="skeleton-rows" />;
  const found = data.company?.evidence?.framework;
  if (!found || found.controls.length === 0)
    return (
      <div className="card">
        <Empty title={words.frameworks.none} />
      </div>
    );
  const { framework, controls } = found;
  return (
    <section className={`card controls ${outdated ? 'outdated' : ''}`} aria-label={framework.name}>
      <header className="controls-head">
        <h2>{framework.name}</h2>
        <p className="quiet">
          {framework.publisher} · {words.frameworks.edition(framework.version)}
        </p>
        <p>{words.frameworks.covers(controls.length, framework.catalogSize)}</p>
        <p>
          <strong>{words.frameworks.says}</strong>
        </p>
      </header>
      <ul className="control-list">
        {controls.map((control) => (
          <ControlRow key={control.control.id} control={control} />
        ))}
      </ul>
      <footer className="quiet small controls-foot">{framework.licence}</footer>
    </section>
  );
}

function ControlRow({ control }: { control: Control }) {
  const [, change] = useSearch();
  const results = new Map(control.results.map((result) => [result.checkId, result]));
  const checks = [...new Set(control.mappings.map((mapping) => mapping.checkId))]
    .map((checkId) => ({
      checkId,
      result: results.get(checkId),
      grade: control.mappings.find((mapping) => mapping.checkId === checkId)?.grade,
    }))
    .sort((a, b) => rank(a.result) - rank(b.result) || a.checkId.localeCompare(b.checkId));
  return (
    <li>
      <div className="control-name">
        <strong>{control.control.id}</strong> <span>{control.control.title}</span>
      </div>
      <ul className="control-checks" aria-label={words.frameworks.checks}>
        {checks.map(({ checkId, result, grade }) => (
          <li key={checkId}>
            {result ? (
              <StatusPill status={result.status} />
            ) : (
              <span className="pill">{words.frameworks.notJudged}</span>
            )}
            <span>
              {result ? (
                <button type="button" className="link" onClick={() => change({ check: checkId }, true)}>
                  {result.check?.title ?? checkId}
                </button>
              ) : (
                <code>{checkId}</code>
              )}
              {grade && (
                <span className="quiet small" title={words.grades[grade].long}>
                  {' '}
                  {words.grades[grade].short}
                </span>
              )}
            </span>
          </li>
        ))}
      </ul>
    </li>
  );
}

function rank(result: Control['results'][number] | undefined): number {
  return result ? statuses.indexOf(result.status) : statuses.length;
}
