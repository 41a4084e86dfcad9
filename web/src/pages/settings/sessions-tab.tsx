// Who is signed in, and from where. One's own sessions for everybody; those of others for whoever may end them.

import { useState } from 'react';
import { type CombinedError, useMutation, useQuery } from 'urql';
import { codeOf } from '../../client.ts';
import {
  OwnSessionsDocument,
  type OwnSessionsQuery,
  RevokeSessionDocument,
  SessionsDocument,
} from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { isOutdated } from '../../parts/is-outdated.ts';
import { Empty, Failed } from '../../parts/states.tsx';
import { type Column, Pager, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { texts } from '../../texts.ts';
import { Confirm } from './confirm.tsx';
import { useDeed } from './use-deed.ts';

type Session = OwnSessionsQuery['viewer']['sessions'][number];

const say = texts.settings.sessions;
const SIZE = 50;

export function SessionsTab() {
  const paging = usePaging(SIZE, '');
  const variables = { ...paging.page };
  const [{ data, error, operation }, ask] = useQuery({ query: SessionsDocument, variables });
  const connection = data?.sessions;
  // Everybody may end sessions, their own; whose else they may see is known only by asking.
  if (codeOf(error) === 'FORBIDDEN') return <Own />;
  return (
    <List
      text={say.everybody}
      rows={connection?.edges.map(({ node }) => node)}
      error={error}
      busy={isOutdated(operation, variables)}
      ask={() => ask({ requestPolicy: 'network-only' })}
      pager={
        <Pager
          paging={paging}
          info={connection?.pageInfo}
          shown={connection?.edges.length ?? 0}
          total={connection?.totalCount}
        />
      }
    />
  );
}

function Own() {
  const [{ data, error }, ask] = useQuery({ query: OwnSessionsDocument });
  return (
    <List
      text={say.own}
      rows={data?.viewer.sessions}
      error={error}
      busy={false}
      ask={() => ask({ requestPolicy: 'network-only' })}
    />
  );
}

interface ListProps {
  text: string;
  rows: Session[] | undefined;
  error: CombinedError | undefined;
  busy: boolean;
  ask(): void;
  pager?: React.ReactNode;
}

function List({ text, rows, error, busy, ask, pager }: ListProps) {
  const [ending, setEnding] = useState<Session | null>(null);
  return (
    <div className="settings">
      <p className="quiet">{text}</p>
      {error && !rows ? (
        <div className="table-frame">
          <Failed error={error} retry={ask} />
        </div>
      ) : (
        <Table
          label={texts.settings.tabs.sessions}
          columns={columnsOf(setEnding)}
          rows={rows}
          rowKey={(session) => session.id}
          busy={busy}
          size={4}
          empty={<Empty title={say.none} />}
          pager={pager}
        />
      )}
      {ending && <End session={ending} onDone={ask} onClose={() => setEnding(null)} />}
    </div>
  );
}

function columnsOf(end: (session: Session) => void): Column<Session>[] {
  const place = (session: Session) => (session.companyId ? say.portal : say.staff);
  return [
    {
      key: 'name',
      title: say.name,
      cell: (session) => <strong>{session.name}</strong>,
      text: (session) => session.name,
      className: 'wrap',
    },
    {
      key: 'end',
      title: say.endTitle,
      cell: (session) =>
        session.current ? (
          <span className="pill accent">{say.current}</span>
        ) : (
          <button
            type="button"
            className="button small-button"
            onClick={() => end(session)}
            aria-label={say.endOne(session.name)}
          >
            {say.end}
          </button>
        ),
      text: () => '',
    },
    { key: 'place', title: say.place, cell: place, text: place, hideBelow: 'medium' },
    {
      key: 'browser',
      title: say.browser,
      cell: (session) => <span title={session.browser ?? undefined}>{session.browser ?? texts.common.nothing}</span>,
      text: (session) => session.browser ?? '',
      hideBelow: 'medium',
    },
    {
      key: 'seen',
      title: say.seen,
      cell: (session) => <Time at={session.lastSeenAt} as="relative" />,
      text: (session) => session.lastSeenAt,
    },
    {
      key: 'began',
      title: say.began,
      cell: (session) => <Time at={session.createdAt} />,
      text: (session) => session.createdAt,
      hideBelow: 'wide',
    },
    {
      key: 'expires',
      title: say.expires,
      cell: (session) => <Time at={session.expiresAt} />,
      text: (session) => session.expiresAt,
      hideBelow: 'wide',
    },
  ];
}

function End({ session, onDone, onClose }: { session: Session; onDone(): void; onClose(): void }) {
  const [, revoke] = useMutation(RevokeSessionDocument);
  const { busy, refused, attempt } = useDeed();
  const go = async () => {
    const payload = await attempt(async () => {
      const { data, error } = await revoke({ id: session.id });
      return { error, payload: data?.revokeSession };
    });
    if (!payload) return;
    onDone();
    onClose();
  };
  return (
    <Confirm
      title={say.endQuestion(session.name)}
      text={say.endText}
      deed={say.end}
      busy={busy}
      refused={refused}
      onDo={go}
      onClose={onClose}
    />
  );
}
