// Who did what, and who was refused. Nothing of it ever changes.

import { type AuditAction, type AuditOutcome, AuditTrailDocument, type AuditTrailQuery } from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { Copy } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Listing } from '../../parts/listing.tsx';
import { Empty } from '../../parts/states.tsx';
import type { Column } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { closePanel, Link, openPanel, useSearch } from '../../router.tsx';
import { words } from '../../texts/settings.ts';
import { texts } from '../../texts.ts';
import { useCompanyNames } from './company-names.ts';
import { spell } from './spell.ts';

type Event = AuditTrailQuery['auditEvents']['edges'][number]['node'];

const say = words.audit;
const SIZE = 50;

const actions: AuditAction[] = [
  'SIGN_IN',
  'SIGN_OUT',
  'CREATE_COMPANY',
  'DELETE_COMPANY',
  'INVITE_TO_CONNECT',
  'CONNECT',
  'DISCONNECT',
  'SYNC_COMPANY',
  'RELEASE_HELD_CHANGES',
  'DISCARD_HELD_CHANGES',
  'UPDATE_SYNC_RULES',
  'UPDATE_SYNC_SCHEDULE',
  'UPDATE_SYNC_GUARD',
  'SET_PORTAL_ACCESS_GROUPS',
  'CREATE_SERVICE_TOKEN',
  'REVOKE_SERVICE_TOKEN',
  'REVOKE_SESSION',
  'DECLARE_EVIDENCE',
  'WITHDRAW_EVIDENCE_DECLARATION',
  'EXPORT_EVIDENCE',
];
const outcomes: AuditOutcome[] = ['DONE', 'REFUSED'];

const whoDid = (event: Event) => event.actorName ?? say.actors[event.actorKind];
const howItCame = (event: Event) => (
  <span className={`pill ${event.outcome === 'REFUSED' ? 'warn' : ''}`}>{say.outcomes[event.outcome]}</span>
);

const columnsOf = (nameOf: (id: string) => string): Column<Event>[] => [
  { key: 'at', title: say.at, cell: (event) => <Time at={event.at} />, text: (event) => event.at },
  { key: 'what', title: say.what, cell: (event) => spell(event.action), text: (event) => spell(event.action) },
  {
    key: 'company',
    title: say.company,
    cell: (event) => (event.companyId ? nameOf(event.companyId) : texts.common.nothing),
    text: (event) => (event.companyId ? nameOf(event.companyId) : ''),
    className: 'wrap',
    hideBelow: 'medium',
  },
  { key: 'who', title: say.who, cell: whoDid, text: whoDid },
  {
    key: 'outcome',
    title: say.outcome,
    cell: howItCame,
    text: (event) => say.outcomes[event.outcome],
    hideBelow: 'medium',
  },
  {
    key: 'reason',
    title: say.reason,
    cell: (event) => (event.reason ? spell(event.reason) : texts.common.nothing),
    text: (event) => event.reason ?? '',
    hideBelow: 'medium',
  },
  {
    key: 'kind',
    title: say.kind,
    cell: (event) => say.actors[event.actorKind],
    text: (event) => say.actors[event.actorKind],
    hideBelow: 'wide',
  },
];

export default function AuditTab() {
  const [search, change] = useSearch();
  const action = actions.find((one) => one === search.get('action'));
  const outcome = outcomes.find((one) => one === search.get('outcome'));
  const paging = usePaging(SIZE, `${action} ${outcome}`);
  const asked = useAsked(AuditTrailDocument, { action, outcome, ...paging.page });
  const connection = asked.data?.auditEvents;
  const rows = connection?.edges.map(({ node }) => node);
  const nameOf = useCompanyNames(rows?.map(({ companyId }) => companyId) ?? []);
  const columns = columnsOf(nameOf);
  const event = rows?.find(({ id }) => id === search.get('event'));
  return (
    <div className="settings">
      <div className="toolbar">
        <select
          className="select"
          value={action ?? ''}
          onChange={(event) => change({ action: event.target.value })}
          aria-label={say.what}
        >
          <option value="">{say.everything}</option>
          {actions.map((one) => (
            <option key={one} value={one}>
              {spell(one)}
            </option>
          ))}
        </select>
        <select
          className="select"
          value={outcome ?? ''}
          onChange={(event) => change({ outcome: event.target.value })}
          aria-label={say.outcome}
        >
          <option value="">{say.doneOrRefused}</option>
          {outcomes.map((one) => (
            <option key={one} value={one}>
              {say.outcomes[one]}
            </option>
          ))}
        </select>
      </div>
      <Listing
        asked={asked}
        connection={connection}
        paging={paging}
        label={words.tabs.audit}
        columns={columns}
        rows={rows}
        rowKey={(event) => event.id}
        onOpen={(event) => openPanel('event', event.id)}
        copyOf={(row) => columns.map((column) => column.text(row)).join('\t')}
        empty={<Empty title={say.none} />}
      />
      {event && <Details event={event} nameOf={nameOf} onClose={() => closePanel('event')} />}
    </div>
  );
}

interface DetailsProps {
  event: Event;
  nameOf(id: string): string;
  onClose(): void;
}

function Details({ event, nameOf, onClose }: DetailsProps) {
  const facts: [string, string | null][] = [
    [say.actorId, event.actorId],
    [say.subject, event.subject],
    [say.requestId, event.requestId],
  ];
  return (
    <Dialog title={spell(event.action)} onClose={onClose} place="side">
      <p>
        {howItCame(event)} {whoDid(event)}, <Time at={event.at} />
        {event.reason && `: ${spell(event.reason)}`}
      </p>
      <dl className="facts">
        <dt>{say.kind}</dt>
        <dd>{say.actors[event.actorKind]}</dd>
        {event.companyId && (
          <>
            <dt>{say.company}</dt>
            <dd>
              <Link to={`/companies/${encodeURIComponent(event.companyId)}`}>{nameOf(event.companyId)}</Link>
            </dd>
          </>
        )}
        {facts.map(([label, value]) => value && <Fact key={label} label={label} value={value} />)}
      </dl>
      {event.details !== null && (
        <section>
          <h3>{say.details}</h3>
          <pre className="audit-details">{JSON.stringify(event.details, null, 2)}</pre>
        </section>
      )}
    </Dialog>
  );
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd className="mono">
        {value} <Copy text={value} label={`${texts.common.copy}: ${label}`} />
      </dd>
    </>
  );
}
