// What is, or was, wrong and wants a person: with what to do about it, newest first.

import { type AlarmFactsFragment, AlarmsDocument } from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Behind, Empty, Failed } from '../../parts/states.tsx';
import { Pager } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { Link, useSearch } from '../../router.tsx';
import { words } from '../../texts/settings.ts';
import { texts } from '../../texts.ts';
import { useOnAlarm } from './use-alarms.ts';

const say = words.alarms;
const SIZE = 25;

export default function AlarmsTab() {
  const [search, change] = useSearch();
  const shown = search.get('show') ?? 'open';
  const paging = usePaging(SIZE, shown);
  const variables = { open: shown === 'all' ? undefined : shown === 'open', ...paging.page };
  const { data, error, behind, outdated, retry } = useAsked(AlarmsDocument, variables);
  useOnAlarm(retry);
  const alarms = data?.alarms;
  return (
    <div className="settings">
      <div className="toolbar">
        <select
          className="select"
          value={shown}
          onChange={(event) => change({ show: event.target.value === 'open' ? undefined : event.target.value })}
          aria-label={texts.records.show}
        >
          <option value="open">{say.open}</option>
          <option value="over">{say.over}</option>
          <option value="all">{say.all}</option>
        </select>
      </div>
      {behind && <Behind error={behind} retry={retry} />}
      <div className={`table-frame ${outdated && data ? 'outdated' : ''}`} aria-busy={outdated || (!alarms && !error)}>
        {error ? (
          <Failed error={error} retry={retry} />
        ) : !alarms ? (
          <Skeleton className="skeleton-card" />
        ) : alarms.edges.length === 0 ? (
          <Empty title={shown === 'open' ? say.none : say.noneOver} />
        ) : (
          <ul className="alarms">
            {alarms.edges.map(({ node }) => (
              <OneAlarm key={node.id} alarm={node} />
            ))}
          </ul>
        )}
        {alarms && alarms.edges.length > 0 && (
          <Pager paging={paging} info={alarms.pageInfo} shown={alarms.edges.length} total={alarms.totalCount} />
        )}
      </div>
    </div>
  );
}

function OneAlarm({ alarm }: { alarm: AlarmFactsFragment }) {
  const { company } = alarm;
  const place = say.places[alarm.kind];
  return (
    <li>
      <p className="alarm-head">
        <span className={`pill ${alarm.closedAt ? '' : 'bad'}`}>{say.kinds[alarm.kind]}</span>
        {company ? (
          <Link to={`/companies/${encodeURIComponent(company.id)}`}>{company.name}</Link>
        ) : (
          <strong>{say.everybody}</strong>
        )}
        <span className="quiet small">
          {say.since} <Time at={alarm.since} />
          {alarm.closedAt && (
            <>
              {' '}
              {say.until} <Time at={alarm.closedAt} />
            </>
          )}
        </span>
      </p>
      <p>{alarm.message}</p>
      {!alarm.closedAt && (
        <p className="quiet">
          <strong>{texts.sync.remedy}</strong> {say.remedies[alarm.kind] ?? alarm.remedy}{' '}
          {company && place && (
            <Link to={`/companies/${encodeURIComponent(company.id)}${place.path}`}>{place.label(company.name)}</Link>
          )}
        </p>
      )}
    </li>
  );
}
