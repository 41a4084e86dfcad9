// What every check says, worst first.

import type { CheckStatus, Severity } from '../../gql/graphql.ts';
import { SearchBox } from '../../parts/search-box.tsx';
import { Empty } from '../../parts/states.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { openPanel, useSearch } from '../../router.tsx';
import { words } from '../../texts/evidence.ts';
import { StatusPill, statuses } from './pills.tsx';
import type { Result } from './stood.ts';
import { reasonOf } from './tally.tsx';

const severities: Severity[] = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];

export const titleOf = (result: Pick<Result, 'check' | 'checkId'>) => result.check?.title ?? result.checkId;
export const areaOf = (area: string | undefined) => (area ? (words.areas[area] ?? area) : '');

const columns: Column<Result>[] = [
  {
    key: 'title',
    title: words.checks.title,
    cell: titleOf,
    text: titleOf,
    className: 'check-title wrap',
  },
  {
    key: 'status',
    title: words.checks.status,
    cell: (result) => <StatusPill status={result.status} />,
    text: (result) => words.statuses[result.status],
  },
  {
    key: 'severity',
    title: words.checks.severity,
    cell: (result) => result.check && words.severities[result.check.severity],
    text: (result) => (result.check ? words.severities[result.check.severity] : ''),
    hideBelow: 'medium',
  },
  {
    key: 'area',
    title: words.checks.area,
    cell: (result) => areaOf(result.check?.area),
    text: (result) => areaOf(result.check?.area),
    hideBelow: 'wide',
  },
  {
    key: 'reason',
    title: words.checks.reason,
    cell: reasonOf,
    text: reasonOf,
    className: 'wrap sentence',
    hideBelow: 'medium',
  },
  {
    key: 'age',
    title: words.checks.age,
    cell: (result) => <Age result={result} />,
    text: (result) => result.at,
    hideBelow: 'wide',
  },
];

/** When the check last could look: now, or what it said then. */
function Age({ result }: { result: Result }) {
  if (result.status !== 'INDETERMINATE') return <Time at={result.at} as="relative" />;
  if (!result.lastGood) return <span className="quiet">{words.checks.neverGood}</span>;
  return (
    <span className="quiet">
      {words.checks.lastGood(words.statuses[result.lastGood.status])} <Time at={result.lastGood.at} as="relative" />
    </span>
  );
}

export function Checks({ results }: { results: Result[] }) {
  const [search, change] = useSearch();
  const q = search.get('q') ?? '';
  const status = search.get('status') ?? '';
  const area = search.get('area') ?? '';
  const severity = search.get('severity') ?? '';
  const areas = [...new Set(results.map((result) => result.check?.area).filter((one) => one !== undefined))];
  const shown = results
    .filter(
      (result) =>
        (!status || result.status === status) &&
        (!area || result.check?.area === area) &&
        (!severity || result.check?.severity === severity) &&
        `${titleOf(result)} ${result.checkId}`.toLowerCase().includes(q.toLowerCase()),
    )
    .sort(worstFirst);
  return (
    <div className="records">
      <div className="toolbar">
        <SearchBox label={words.checks.search} value={q} onSearch={(value) => change({ q: value })} />
        <Choice
          label={words.checks.status}
          all={words.checks.allStatuses}
          value={status}
          options={statuses.map((one) => [one, words.statuses[one]])}
          onChoose={(value) => change({ status: value })}
        />
        <Choice
          label={words.checks.area}
          all={words.checks.allAreas}
          value={area}
          options={areas.map((one) => [one, areaOf(one)])}
          onChoose={(value) => change({ area: value })}
        />
        <Choice
          label={words.checks.severity}
          all={words.checks.allSeverities}
          value={severity}
          options={severities.map((one) => [one, words.severities[one]])}
          onChoose={(value) => change({ severity: value })}
        />
      </div>
      <Table
        label={words.views.checks}
        columns={columns}
        rows={shown}
        rowKey={(result) => result.checkId}
        onOpen={(result) => openPanel('check', result.checkId)}
        copyOf={(result) => `${titleOf(result)}: ${words.statuses[result.status]}. ${reasonOf(result)}`}
        empty={<Empty title={words.checks.none}>{words.checks.noneText}</Empty>}
      />
    </div>
  );
}

function worstFirst(a: Result, b: Result): number {
  const rank = (status: CheckStatus) => statuses.indexOf(status);
  const weight = (result: Result) => (result.check ? severities.indexOf(result.check.severity) : severities.length);
  return rank(a.status) - rank(b.status) || weight(a) - weight(b) || titleOf(a).localeCompare(titleOf(b), 'en');
}

interface ChoiceProps {
  label: string;
  all: string;
  value: string;
  options: [string, string][];
  onChoose(value: string): void;
}

function Choice({ label, all, value, options, onChoose }: ChoiceProps) {
  return (
    <select className="select" aria-label={label} value={value} onChange={(event) => onChoose(event.target.value)}>
      <option value="">{all}</option>
      {options.map(([key, name]) => (
        <option key={key} value={key}>
          {name}
        </option>
      ))}
    </select>
  );
}
