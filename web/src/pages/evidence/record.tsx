// What is kept, and whether it is whole: runs that were due, runs that were kept, verified here and taken away.

import { useState } from 'react';
import { type CombinedError, useClient } from 'urql';
import {
  EvidencePeriodDocument,
  type EvidencePeriodQuery,
  EvidenceRunsDocument,
  type EvidenceRunsQuery,
  EvidenceVerificationDocument,
  type EvidenceVerificationQuery,
} from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { Copy } from '../../parts/copy.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Answer, Behind, Empty, Failed } from '../../parts/states.tsx';
import { type Column, Pager, Table } from '../../parts/table.tsx';
import { Time, useNow } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { useMost } from '../../parts/use-most.tsx';
import { useSearch } from '../../router.tsx';
import { words } from '../../texts/evidence.ts';
import { texts } from '../../texts.ts';
import { useEvidence } from './context.ts';
import { dayFrom, endOf, instant, isDay } from './moments.ts';
import { type Format, Refused, size, takeAway } from './take-away.ts';

const MONTH = 30;

interface Days {
  from: string;
  through: string;
}

export function Record() {
  const [search, change] = useSearch();
  const now = useNow();
  const given = { from: search.get('from'), through: search.get('through') };
  const through = isDay(given.through) ? given.through : dayFrom(now, 0);
  const from = isDay(given.from) ? given.from : dayFrom(Date.parse(through), -MONTH);
  return (
    <div className="records">
      <fieldset className="toolbar period">
        <legend className="sr-only">{words.record.period}</legend>
        <Day label={words.record.from} value={from} onChange={(value) => change({ from: value })} />
        <Day label={words.record.through} value={through} onChange={(value) => change({ through: value })} />
        <span className="quiet small">{words.record.utc}</span>
      </fieldset>
      {from <= through ? (
        <div className="record-columns">
          <Due from={from} through={through} />
          <div className="record-side">
            <Away from={from} through={through} />
            <Verification />
          </div>
        </div>
      ) : (
        <p className="notice warn" role="alert">
          {words.record.order}
        </p>
      )}
      <Runs />
    </div>
  );
}

function Day({ label, value, onChange }: { label: string; value: string; onChange(value: string): void }) {
  return (
    <label className="moment">
      <span className="quiet">{label}</span>
      <input
        className="field"
        type="date"
        value={value}
        onChange={(event) => isDay(event.target.value) && onChange(event.target.value)}
      />
    </label>
  );
}

const midnight = (day: string) => instant(`${day}T00:00:00Z`) ?? day;

type Period = NonNullable<NonNullable<EvidencePeriodQuery['company']>['evidencePeriod']>;

function Due({ from, through }: Days) {
  const { company, revision } = useEvidence();
  const variables = { company, from: midnight(from), to: endOf(through) };
  const asked = useAsked(EvidencePeriodDocument, variables, revision);
  const waiting = <Skeleton className="skeleton-card" />;
  return (
    <section className="card part" aria-labelledby="runs-due">
      <h2 id="runs-due">{words.record.due}</h2>
      <Answer asked={asked} waiting={waiting}>
        {({ company }) => (company?.evidencePeriod ? <PeriodContent period={company.evidencePeriod} /> : waiting)}
      </Answer>
    </section>
  );
}

const slotTones = { COMPLETE: 'good', INCOMPLETE: 'warn', MISSING: 'bad' } as const;
const MOST_GAPS = 50;

function PeriodContent({ period }: { period: Period }) {
  const [gaps, rest] = useMost(period.gaps, MOST_GAPS);
  const figures: [string, number][] = [
    [words.record.expected, period.expected],
    [words.record.complete, period.complete],
    [words.record.incomplete, period.incomplete],
    [words.record.missing, period.missing],
    [words.record.kept, period.kept],
  ];
  return (
    <>
      <dl className="figures">
        {figures.map(([label, figure]) => (
          <div key={label}>
            <dt className="quiet small">{label}</dt>
            <dd>{texts.common.number(figure)}</dd>
          </div>
        ))}
      </dl>
      {period.gaps.length === 0 ? (
        <p className="quiet">{period.expected === 0 ? words.record.noneDue : words.record.noGaps}</p>
      ) : (
        <>
          <h3>{words.record.gaps}</h3>
          <ul className="change-list">
            {gaps.map((gap) => (
              <li key={gap.at}>
                <span className="change-head">
                  <Time at={gap.at} />
                  <span className={`pill ${slotTones[gap.state]}`}>{words.record.states[gap.state]}</span>
                </span>
                <span className="quiet small">
                  {gap.because ?? (gap.runNumber ? words.changes.run(gap.runNumber) : words.record.noReason)}
                </span>
              </li>
            ))}
            {rest && <li>{rest}</li>}
          </ul>
        </>
      )}
    </>
  );
}

type Going = { state: 'going'; bytes: number } | { state: 'saved'; said: string } | { state: 'refused'; said: string };

function Away({ from, through }: Days) {
  const { company } = useEvidence();
  const [going, setGoing] = useState<Going | null>(null);
  const busy = going?.state === 'going';
  const take = async (format: Format) => {
    if (busy) return;
    setGoing({ state: 'going', bytes: 0 });
    try {
      const period = { from: midnight(from), to: endOf(through) };
      const saved = await takeAway(company, format, period, (bytes) => setGoing({ state: 'going', bytes }));
      setGoing({ state: 'saved', said: words.record.received(saved.file, size(saved.bytes)) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setGoing({ state: 'refused', said: error.message });
    }
  };
  return (
    <section className="card part" aria-labelledby="take-away">
      <h2 id="take-away">{words.record.take}</h2>
      <p className="quiet">{words.record.takeText}</p>
      <div className="toolbar">
        <button type="button" className="button" onClick={() => take('bundle')} aria-disabled={busy}>
          {words.record.bundle}
        </button>
        <button type="button" className="button" onClick={() => take('oscal')} aria-disabled={busy}>
          {words.record.oscal}
        </button>
      </div>
      {going?.state === 'refused' ? (
        <p className="notice bad" role="alert">
          {going.said}
        </p>
      ) : (
        <p className="small took" role="status">
          {going?.state === 'saved' && going.said}
          {going?.state === 'going' &&
            (going.bytes > 0 ? words.record.receiving(size(going.bytes)) : words.record.making)}
        </p>
      )}
    </section>
  );
}

type Verified = NonNullable<NonNullable<EvidenceVerificationQuery['company']>['evidenceVerification']>;

function Verification() {
  const { company } = useEvidence();
  const client = useClient();
  const [asking, setAsking] = useState(false);
  const [answer, setAnswer] = useState<Verified | CombinedError | null>(null);
  const verify = async () => {
    if (asking) return;
    setAsking(true);
    setAnswer(null);
    const { data, error } = await client
      .query(EvidenceVerificationDocument, { company }, { requestPolicy: 'network-only' })
      .toPromise();
    setAsking(false);
    setAnswer(data?.company?.evidenceVerification ?? error ?? null);
  };
  return (
    <section className="card part" aria-labelledby="verify">
      <h2 id="verify">{words.record.verifyTitle}</h2>
      <p className="quiet">{words.record.verifyText}</p>
      <div className="toolbar">
        <button type="button" className="button" onClick={verify} aria-disabled={asking}>
          {words.record.verify}
        </button>
        {asking && (
          <span className="quiet" role="status">
            {words.record.verifying}
          </span>
        )}
      </div>
      {answer && ('whole' in answer ? <Outcome verified={answer} /> : <Failed error={answer} />)}
    </section>
  );
}

function Outcome({ verified }: { verified: Verified }) {
  if (verified.whole)
    return (
      <p className="notice good" role="status">
        {words.record.whole}
      </p>
    );
  return (
    <div className="notice bad trouble" role="alert">
      <p>
        <strong>{words.record.faults(verified.faultCount)}</strong>
      </p>
      <ul>
        {verified.faults.map((fault) => (
          <li key={`${fault.kind} ${fault.what}`}>
            {fault.because} <code>{fault.what}</code>
          </li>
        ))}
      </ul>
    </div>
  );
}

type Run = NonNullable<EvidenceRunsQuery['company']>['evidenceRuns']['edges'][number]['node'];

const whole = (run: Run) => run.readings.filter(({ outcome }) => outcome === 'COMPLETE').length;

const columns: Column<Run>[] = [
  { key: 'number', title: words.record.run, cell: (run) => run.number, text: (run) => String(run.number) },
  {
    key: 'taken',
    title: words.record.takenAt,
    cell: (run) => <Time at={run.takenAt} />,
    text: (run) => run.takenAt,
  },
  {
    key: 'read',
    title: words.record.read,
    cell: (run) => words.record.readOf(whole(run), run.readings.length),
    text: (run) => words.record.readOf(whole(run), run.readings.length),
  },
  {
    key: 'hash',
    title: words.record.hash,
    cell: (run) => (
      <>
        {run.sha256.slice(0, 12)}… <Copy text={run.sha256} label={words.record.copyHash} />
      </>
    ),
    text: (run) => run.sha256,
    className: 'mono',
    hideBelow: 'medium',
  },
  {
    key: 'version',
    title: words.record.version,
    cell: (run) => run.appVersion,
    text: (run) => run.appVersion,
    hideBelow: 'wide',
  },
];

function Runs() {
  const { company, revision } = useEvidence();
  const [, change] = useSearch();
  const paging = usePaging(25, company);
  const asked = useAsked(EvidenceRunsDocument, { company, ...paging.page }, revision);
  const found = asked.data?.company?.evidenceRuns;
  if (asked.error) return <Failed error={asked.error} retry={asked.retry} />;
  return (
    <section className="runs" aria-labelledby="kept-runs">
      <h2 id="kept-runs">{words.record.runs}</h2>
      {asked.behind && <Behind error={asked.behind} retry={asked.retry} />}
      <Table
        label={words.record.runs}
        columns={columns}
        rows={found?.edges.map(({ node }) => node)}
        rowKey={(run) => String(run.number)}
        busy={asked.outdated}
        size={3}
        copyOf={(run) => run.sha256}
        onOpen={(run) => change({ view: undefined, from: undefined, through: undefined, at: run.keptAt }, true)}
        empty={<Empty title={words.record.none} />}
        pager={
          <Pager paging={paging} info={found?.pageInfo} shown={found?.edges.length ?? 0} total={found?.totalCount} />
        }
      />
    </section>
  );
}
