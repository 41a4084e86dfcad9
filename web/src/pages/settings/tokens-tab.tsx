// Service tokens: what programs prove themselves with. They are made, listed and revoked here; a secret is shown once.

import { useState } from 'react';
import { useMutation } from 'urql';
import { RevokeServiceTokenDocument, ServiceTokensDocument, type ServiceTokensQuery } from '../../gql/graphql.ts';
import { passesFocusOn } from '../../parts/dialog.tsx';
import { Behind, Empty, Failed } from '../../parts/states.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Time, useNow } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/settings.ts';
import { useCompanyNames } from './company-names.ts';
import { Confirm } from './confirm.tsx';
import { CreateToken } from './create-token.tsx';
import { spell } from './spell.ts';
import { useDeed } from './use-deed.ts';

type Token = ServiceTokensQuery['serviceTokens'][number];
type State = 'active' | 'expired' | 'revoked';

const say = words.tokens;
const tones: Record<State, string> = { active: 'good', expired: '', revoked: '' };

function stateOf(token: Token, now: number): State {
  if (token.revokedAt) return 'revoked';
  return Date.parse(token.expiresAt) <= now ? 'expired' : 'active';
}

export default function TokensTab() {
  const { data, error, behind, retry } = useAsked(ServiceTokensDocument, {});
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const now = useNow();
  const tokens = data?.serviceTokens;
  const nameOf = useCompanyNames(tokens?.flatMap(({ companyIds }) => companyIds ?? []) ?? []);
  const columns = columnsOf(now, nameOf, setRevoking);
  return (
    <div className="settings">
      <div className="toolbar">
        <p className="quiet">{say.text}</p>
        <button type="button" className="button primary toolbar-end" onClick={() => setCreating(true)}>
          {say.create}
        </button>
      </div>
      {error ? (
        <div className="table-frame">
          <Failed error={error} retry={retry} />
        </div>
      ) : (
        <>
          {behind && <Behind error={behind} retry={retry} />}
          <Table
            label={words.tabs.tokens}
            columns={columns}
            rows={tokens}
            rowKey={(token) => token.id}
            rowClass={(token) => (stateOf(token, now) === 'active' ? undefined : 'gone')}
            size={4}
            empty={<Empty title={say.none}>{say.noneText}</Empty>}
          />
        </>
      )}
      {creating && <CreateToken onMade={retry} onClose={() => setCreating(false)} />}
      {revoking && <Revoke token={revoking} onDone={retry} onClose={() => setRevoking(null)} />}
    </div>
  );
}

function columnsOf(now: number, nameOf: (id: string) => string, revoke: (token: Token) => void): Column<Token>[] {
  const opens = (token: Token) => token.companyIds?.map(nameOf).join(', ') ?? say.everyCompany;
  const does = (token: Token) => (token.actions.length > 0 ? token.actions.map(spell).join(', ') : say.onlyLooks);
  return [
    { key: 'name', title: say.name, cell: (token) => <strong>{token.name}</strong>, text: (token) => token.name },
    {
      key: 'state',
      title: say.state,
      cell: (token) => {
        const state = stateOf(token, now);
        return <span className={`pill ${tones[state]}`}>{say.states[state]}</span>;
      },
      text: (token) => say.states[stateOf(token, now)],
    },
    {
      key: 'revoke',
      title: say.revokeTitle,
      cell: (token) =>
        stateOf(token, now) === 'active' && (
          <button
            type="button"
            className="button small-button"
            onClick={() => revoke(token)}
            ref={passesFocusOn}
            aria-label={say.revokeOne(token.name)}
          >
            {say.revoke}
          </button>
        ),
      text: () => '',
    },
    { key: 'opens', title: say.opens, cell: opens, text: opens, className: 'wrap', hideBelow: 'medium' },
    { key: 'actions', title: say.may, cell: does, text: does, className: 'wrap', hideBelow: 'medium' },
    {
      key: 'expires',
      title: say.expires,
      cell: (token) => <Time at={token.expiresAt} />,
      text: (token) => token.expiresAt,
      hideBelow: 'medium',
    },
    {
      key: 'by',
      title: say.madeBy,
      cell: (token) => (
        <>
          {token.createdBy}, <Time at={token.createdAt} />
        </>
      ),
      text: (token) => token.createdBy,
      className: 'wrap',
      hideBelow: 'wide',
    },
  ];
}

function Revoke({ token, onDone, onClose }: { token: Token; onDone(): void; onClose(): void }) {
  const [, revoke] = useMutation(RevokeServiceTokenDocument);
  const { busy, refused, attempt } = useDeed();
  const go = async () => {
    const payload = await attempt(async () => {
      const { data, error } = await revoke({ id: token.id });
      return { error, payload: data?.revokeServiceToken };
    });
    if (!payload) return;
    onDone();
    onClose();
  };
  return (
    <Confirm
      title={say.revokeQuestion(token.name)}
      text={say.revokeText}
      deed={say.revoke}
      busy={busy}
      refused={refused}
      onDo={go}
      onClose={onClose}
    />
  );
}
