// How many records there are of each kind, and what the last run did to them.

import type { CompanyQuery, Noun, RunFragment } from '../../../gql/graphql.ts';
import { texts } from '../../../texts.ts';
import { useCompany } from '../context.ts';
import { isActive } from './standing.ts';

type Count = RunFragment['counts'][number];

const nouns: [Noun, (company: NonNullable<CompanyQuery['company']>) => number][] = [
  ['CONTACT', (company) => company.contacts.totalCount],
  ['CONTACT_GROUP', (company) => company.groups.totalCount],
  ['ASSET', (company) => company.assets.totalCount],
];

export function Counts({ run }: { run: RunFragment | null }) {
  const { company } = useCompany();
  const holds = company.holding.edges.some(({ node }) => node.id === run?.id);
  return (
    <dl className="counts">
      {nouns.map(([noun, total]) => {
        const counted = run?.counts.find((candidate) => candidate.kind === noun);
        // What it held is no longer held once somebody has decided.
        const count = counted && !holds ? { ...counted, held: 0 } : counted;
        return (
          <div key={noun} className="count">
            <dt className="quiet">{texts.nouns[noun]}</dt>
            <dd className="count-total" data-testid={`total-${noun}`}>
              {texts.common.number(total(company))}
            </dd>
            <dd className="count-change quiet">
              <Change run={run} count={count} total={total(company)} />
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function Change({ run, count, total }: { run: RunFragment | null; count: Count | undefined; total: number }) {
  if (!run) return <>{texts.sync.notRead}</>;
  if (count?.skippedBecause) return <span title={count.skippedBecause}>{count.skippedBecause}</span>;
  const parts = count ? changes(count) : [];
  if (parts.length > 0) return <>{parts}</>;
  // Nothing of it has been read, nor is about to be this moment.
  if (run.status === 'QUEUED') return <>{total > 0 ? texts.sync.kept : texts.sync.notRead}</>;
  if (isActive(run)) return <>{count && count.read > 0 ? texts.sync.read(count.read) : texts.sync.toRead}</>;
  return <>{count ? texts.sync.unchanged : total > 0 ? texts.sync.kept : texts.sync.notRead}</>;
}

/** What a run did to one kind, shortest first: "+3 new · 2 changed · 1 left · 40 held". */
export function changes(count: Count, holds = true) {
  const said: [number, string, string][] = [
    [count.created, texts.sync.created, 'good-ink'],
    [count.updated, texts.sync.updated, ''],
    [count.deactivated, texts.sync.deactivated, ''],
    [count.held, holds ? texts.sync.held : texts.sync.wasHeld, holds ? 'warn-ink' : ''],
    [count.skipped, texts.sync.skipped, ''],
  ];
  return said
    .filter(([number]) => number > 0)
    .map(([number, word, tone], index) => (
      <span key={word}>
        {index > 0 && ' · '}
        <span className={tone}>
          {texts.common.number(number)} {word}
        </span>
      </span>
    ));
}
