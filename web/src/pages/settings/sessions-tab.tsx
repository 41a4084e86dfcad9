// Who is signed in, and from where. One's own sessions for everybody; those of others for whoever may end them.

import { useState } from 'react';
import { useMutation } from 'urql';
import { codeOf } from '../../client.ts';
import {
  OwnSessionsDocument,
  type OwnSessionsQuery,
  RevokeSessionDocument,
  SessionsDocument,
} from '../../gql/graphql.ts';
import { usePaging } from '../../paging.ts';
import { passesFocusOn } from '../../parts/dialog.tsx';
import { Behind, Empty, Failed } from '../../parts/states.tsx';
import { type Column, Pager, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { type Asked, useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/settings.ts';
import { texts } from '../../texts.ts';
import { browserOf } from './browser.ts';
import { Confirm } from './confirm.tsx';
import { useDeed } from './use-deed.ts';

type Session = OwnSessionsQuery['viewer']['sessions'][number];

const say = words.sessions;
const SIZE = 50;

export function SessionsTab() {
  const paging = usePaging(SIZE, '');
  const asked = useAsked(SessionsDocument, { ...paging.page });
  const connection = asked.data?.sessions;
  // Everybody may end sessions, their own; whose else they may see is known only by asking.
  if (codeOf(asked.error) === 'FORBIDDEN') return <Own />;
  const rows = connection?.edges.map(({ node }) => node);
  const pager = (
    <Pager paging={paging} info={connection?.pageInfo} shown={rows?.length ?? 0} total={connection?.totalCount} />
  );
  return <List text={say.everybody} asked={asked} rows={rows} pager={pager} />;
}

function Own() {
  const asked = useAsked(OwnSessionsDocument, {});
  return <List text={say.own} asked={asked} rows={asked.data?.viewer.sessions} />;
}

interface ListProps {
  text: string;
  asked: Asked<unknown>;
  rows: Session[] | undefined;
  pager?: React.ReactNode;
}

function List({ text, asked, rows, pager }: ListProps) {
  const [ending, setEnding] = useState<Session | null>(null);
  return (
    <div className="settings">
      <p className="quiet">{text}</p>
      {asked.behind && <Behind error={asked.behind} retry={asked.retry} />}
      {asked.error ? (
        <div className="table-frame">
          <Failed error={asked.error} retry={asked.retry} />
        </div>
      ) : (
        <Table
          label={words.tabs.sessions}
          columns={columnsOf(setEnding)}
          rows={rows}
          rowKey={(session) => session.id}
          busy={asked.outdated}
          size={4}
          empty={<Empty title={say.none} />}
          pager={pager}
        />
      )}
      {ending && <End session={ending} onDone={asked.retry} onClose={() => setEnding(null)} />}
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
            ref={passesFocusOn}
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
      cell: (session) => (
        <span title={session.browser ?? undefined}>
          {session.browser ? browserOf(session.browser) : texts.common.nothing}
        </span>
      ),
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
