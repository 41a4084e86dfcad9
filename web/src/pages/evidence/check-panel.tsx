// One check beside the list: what it says, of whom, why, by which rule, and what that rests on.

import type { ReactNode } from 'react';
import { EvidenceCheckDocument, type EvidenceCheckQuery } from '../../gql/graphql.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Empty, Failed } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { useSearch } from '../../router.tsx';
import { words } from '../../texts/evidence.ts';
import { texts } from '../../texts.ts';
import { areaOf, titleOf } from './checks.tsx';
import { useEvidence } from './context.ts';
import { Findings } from './findings.tsx';
import { Missing } from './missing.tsx';
import { StatusPill } from './pills.tsx';
import { reasonOf, Tally } from './tally.tsx';
import { Values } from './why.tsx';

type Result = NonNullable<NonNullable<NonNullable<EvidenceCheckQuery['company']>['evidence']>['result']>;

export function CheckPanel({ id }: { id: string }) {
  const { company, asOf, revision } = useEvidence();
  const [, change] = useSearch();
  const { data, error, retry } = useAsked(EvidenceCheckDocument, { company, asOf, check: id }, revision);
  const result = data?.company?.evidence?.result;
  return (
    <Dialog
      title={result ? titleOf(result) : data ? id : words.check.loading}
      onClose={() => change({ check: undefined })}
      place="side"
    >
      {error ? (
        <Failed error={error} retry={retry} />
      ) : result ? (
        <Content result={result} />
      ) : data ? (
        <Empty title={words.check.gone}>{words.check.goneText}</Empty>
      ) : (
        <Skeleton className="skeleton-rows" />
      )}
    </Dialog>
  );
}

function Content({ result }: { result: Result }) {
  const { check, counts } = result;
  const found = counts.failed + counts.excepted + counts.review + counts.notEvaluated;
  return (
    <>
      <p className="check-said">
        <StatusPill status={result.status} />
        {check && (
          <span className="quiet">
            {words.severities[check.severity]} · {areaOf(check.area)}
            {check.licenceNeeded && ` · ${words.check.licence(check.licenceNeeded)}`}
          </span>
        )}
      </p>
      {result.status === 'INDETERMINATE' ? <Missing result={result} /> : <p className="sentence">{reasonOf(result)}</p>}
      {counts.population > 0 && <Tally counts={counts} />}
      {found > 0 && (
        <Section title={words.check.findings(found)}>
          <Findings check={result.checkId} none={words.check.noFindings} />
        </Section>
      )}
      <Facts facts={result.facts} />
      {check && <Rule check={check} />}
      {result.populations.length > 0 && (
        <Folded title={words.check.population}>
          {result.populations.map((population) => (
            <div key={population.name}>
              <p>
                <strong>{population.name}</strong> {texts.common.number(population.size)}
              </p>
              <p className="statement small quiet">{population.completeness}</p>
            </div>
          ))}
        </Folded>
      )}
      <Folded title={words.check.sources}>
        <ul className="plain-list">
          {result.inputs.map((reading) => (
            <li key={reading.resource}>
              <p>
                {words.resources[reading.resource] ?? reading.resource}{' '}
                <span className="quiet">{reading.refusalMessage ?? words.outcomes[reading.outcome]}</span>
              </p>
              <p className="statement small quiet">{reading.statement}</p>
            </li>
          ))}
        </ul>
      </Folded>
      {check && check.mappings.length > 0 && (
        <Folded title={words.check.supports(check.mappings.length)}>
          <ul className="plain-list">
            {check.mappings.map((mapping) => (
              <li key={`${mapping.framework} ${mapping.control}`}>
                <code>{mapping.framework}</code> <strong>{mapping.control}</strong>{' '}
                <span className="quiet small">{words.grades[mapping.grade].long}</span>
              </li>
            ))}
          </ul>
        </Folded>
      )}
      <p className="quiet small">
        <code>{result.checkId}</code> v{result.version} · <Time at={result.at} />
      </p>
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="check-section">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Folded({ title, children }: { title: string; children: ReactNode }) {
  return (
    <details className="folded">
      <summary>{title}</summary>
      <div className="folded-content">{children}</div>
    </details>
  );
}

function Facts({ facts }: { facts: unknown }) {
  if (typeof facts !== 'object' || facts === null) return null;
  const entries = Object.entries(facts).filter(([, value]) => !(Array.isArray(value) && value.length === 0));
  if (entries.length === 0) return null;
  return (
    <Section title={words.check.facts}>
      <Values entries={entries} />
    </Section>
  );
}

function Rule({ check }: { check: NonNullable<Result['check']> }) {
  const when: [string, string][] = [
    [words.check.logic, check.logic],
    [words.check.PASS, check.passIf],
    [words.check.FAIL, check.failIf],
    [words.check.NEEDS_REVIEW, check.needsReviewIf],
    [words.check.NOT_APPLICABLE, check.notApplicableIf],
    [words.check.INDETERMINATE, check.indeterminateIf],
  ];
  return (
    <Folded title={words.check.rule}>
      <dl className="rule">
        {when
          .filter(([, said]) => said)
          .map(([title, said]) => (
            <div key={title}>
              <dt className="quiet">{title}</dt>
              <dd>{said}</dd>
            </div>
          ))}
        {check.caveats.length > 0 && (
          <div>
            <dt className="quiet">{words.check.caveats}</dt>
            {check.caveats.map((caveat) => (
              <dd key={caveat}>{caveat}</dd>
            ))}
          </div>
        )}
      </dl>
    </Folded>
  );
}
