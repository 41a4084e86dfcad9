// The last runs: when, why, how they ended and what they changed.

import { RunsDocument, type RunsQuery } from '../../../gql/graphql.ts';
import { useAddressPaging } from '../../../paging.ts';
import { Listing } from '../../../parts/listing.tsx';
import { Empty } from '../../../parts/states.tsx';
import type { Column } from '../../../parts/table.tsx';
import { duration, Time } from '../../../parts/time.tsx';
import { useAsked } from '../../../parts/use-asked.ts';
import { closePanel, openPanel, useSearch } from '../../../router.tsx';
import { texts } from '../../../texts.ts';
import { useCompany } from '../context.ts';
import { isOfClock } from '../sync/standing.ts';
import { RunPanel } from './run-panel.tsx';

export type Run = NonNullable<RunsQuery['company']>['syncRuns']['edges'][number]['node'];

const tones: Record<Run['status'], string> = {
  QUEUED: 'accent',
  RUNNING: 'accent',
  WAITING: 'accent',
  SUCCEEDED: 'good',
  PARTIAL: 'warn',
  FAILED: 'bad',
  CANCELLED: '',
};

export function RunPill({ run }: { run: Pick<Run, 'status'> }) {
  return <span className={`pill ${tones[run.status]}`}>{texts.runs.statuses[run.status]}</span>;
}

/** Whether what it held waits for somebody to decide. A dry run tells what would. */
export function holds({ dryRun, heldChanges }: Pick<Run, 'dryRun' | 'heldChanges'>): boolean {
  return dryRun || heldChanges.totalCount > 0;
}

/** What a run changed over all kinds, in a few words; where it changed nothing, why. */
export function summary(run: Run): string {
  const sum = (key: 'created' | 'updated' | 'deactivated' | 'held') =>
    run.counts.reduce((all, count) => all + count[key], 0);
  const words = { ...texts.sync, held: holds(run) ? texts.sync.held : texts.sync.wasHeld };
  const parts = (['created', 'updated', 'deactivated', 'held'] as const)
    .filter((key) => sum(key) > 0)
    .map((key) => `${texts.common.number(sum(key))} ${words[key]}`);
  if (parts.length > 0) return parts.join(' · ');
  return run.kind === 'IDENTITY' && run.status === 'SUCCEEDED' ? texts.sync.unchanged : run.message;
}

const took = (run: Run) =>
  run.startedAt && run.finishedAt
    ? duration(Date.parse(run.finishedAt) - Date.parse(run.startedAt))
    : texts.common.nothing;
const by = (run: Run) => (isOfClock(run) ? texts.runs.clock : run.requestedBy);

const columns: Column<Run>[] = [
  { key: 'at', title: texts.runs.at, cell: (run) => <Time at={run.queuedAt} />, text: (run) => run.queuedAt },
  {
    key: 'status',
    title: texts.runs.status,
    cell: (run) => <RunPill run={run} />,
    text: (run) => texts.runs.statuses[run.status],
  },
  { key: 'summary', title: texts.runs.changes, cell: summary, text: summary, className: 'wrap' },
  {
    key: 'kind',
    title: texts.runs.kind,
    cell: (run) => texts.runs.kinds[run.kind] + (run.dryRun ? ` (${texts.runs.dry})` : ''),
    text: (run) => texts.runs.kinds[run.kind],
    hideBelow: 'medium',
  },
  { key: 'by', title: texts.runs.by, cell: by, text: by, hideBelow: 'medium' },
  { key: 'took', title: texts.runs.took, cell: took, text: took, align: 'end', hideBelow: 'medium' },
  {
    key: 'requests',
    title: texts.runs.requests,
    cell: (run) => texts.common.number(run.requests),
    text: (run) => String(run.requests),
    align: 'end',
    hideBelow: 'wide',
  },
];

const SIZE = 25;

export function RunsTab() {
  const { company, sync } = useCompany();
  const paging = useAddressPaging(SIZE, company.id);
  const [search] = useSearch();
  const asked = useAsked(RunsDocument, { company: company.id, ...paging.page }, sync.revision);
  const connection = asked.data?.company?.syncRuns;
  const open = search.get('run');
  return (
    <>
      <Listing
        asked={asked}
        connection={connection}
        paging={paging}
        label={texts.company.tabs.runs}
        columns={columns}
        rows={connection?.edges.map((edge) => edge.node)}
        rowKey={(run) => run.id}
        onOpen={(run) => openPanel('run', run.id)}
        size={6}
        empty={<Empty title={texts.runs.none}>{texts.runs.noneText}</Empty>}
      />
      {open && <RunPanel key={open} id={open} onClose={() => closePanel('run')} />}
    </>
  );
}
