// Makes a service token. Its secret is shown here this once, and is nowhere else afterwards.

import { type FormEvent, useId, useState } from 'react';
import { useMutation } from 'urql';
import { type Action, CreateServiceTokenDocument } from '../../gql/graphql.ts';
import { Copy } from '../../parts/copy.tsx';
import { Dialog, firstFocus } from '../../parts/dialog.tsx';
import { words } from '../../texts/settings.ts';
import { texts } from '../../texts.ts';
import { Chosen, CompanyPicker } from './picker.tsx';
import { Outcome } from './section.tsx';
import { spell } from './spell.ts';
import { useDeed } from './use-deed.ts';

const say = words.tokens;
const days = [30, 90, 180, 366];

/** What a token may be allowed besides to look. */
const grantable: Action[] = [
  'SYNC_COMPANY',
  'CONNECT',
  'DISCONNECT',
  'SETTLE_HELD_CHANGES',
  'UPDATE_SYNC_RULES',
  'UPDATE_SYNC_SCHEDULE',
  'UPDATE_SYNC_GUARD',
  'SET_PORTAL_ACCESS_GROUPS',
  'DECLARE_EVIDENCE',
  'DELETE_COMPANY',
  'EXPLORE',
  'VIEW_OPERATIONS',
];
/** What concerns every company, and so is nothing for a token that opens only some. */
const ofEveryCompany: Action[] = ['CREATE_COMPANY', 'VIEW_AUDIT_TRAIL'];

export function CreateToken({ onMade, onClose }: { onMade(): void; onClose(): void }) {
  const [made, setMade] = useState<{ name: string; secret: string } | null>(null);
  if (made) return <Secret name={made.name} secret={made.secret} onClose={onClose} />;
  return (
    <Form
      onClose={onClose}
      onMade={(name, secret) => {
        setMade({ name, secret });
        onMade();
      }}
    />
  );
}

function Form({ onMade, onClose }: { onMade(name: string, secret: string): void; onClose(): void }) {
  const form = useId();
  const [, create] = useMutation(CreateServiceTokenDocument);
  const { busy, refused, attempt } = useDeed();
  const [name, setName] = useState('');
  const [expiresInDays, setDays] = useState(90);
  const [ofSome, setOfSome] = useState(true);
  const [companies, setCompanies] = useState<{ id: string; name: string }[]>([]);
  const [actions, setActions] = useState<Action[]>([]);
  const [opensNothing, setOpensNothing] = useState(false);
  const offered = ofSome ? grantable : [...grantable, ...ofEveryCompany];

  const make = async (event: FormEvent) => {
    event.preventDefault();
    const nothing = ofSome && companies.length === 0;
    setOpensNothing(nothing);
    if (nothing) return;
    const which = ofSome ? { companyIds: companies.map(({ id }) => id) } : { allCompanies: true };
    const input = { name, expiresInDays, actions: actions.filter((action) => offered.includes(action)), ...which };
    const payload = await attempt(async () => {
      const { data, error } = await create({ input });
      return { error, payload: data?.createServiceToken };
    });
    if (payload?.secret) onMade(name, payload.secret);
  };

  return (
    <Dialog
      title={say.create}
      onClose={onClose}
      actions={
        <button type="submit" form={form} className="button primary" aria-disabled={busy}>
          {say.make}
        </button>
      }
    >
      <form id={form} className="form" onSubmit={make}>
        <label className="form-field">
          <span>{say.name}</span>
          <input
            className="field"
            value={name}
            onChange={(event) => setName(event.target.value)}
            required
            ref={firstFocus}
          />
          <span className="quiet small">{say.nameText}</span>
        </label>
        <label className="form-field">
          <span>{say.works}</span>
          <select className="select" value={expiresInDays} onChange={(event) => setDays(Number(event.target.value))}>
            {days.map((count) => (
              <option key={count} value={count}>
                {say.days(count)}
              </option>
            ))}
          </select>
        </label>
        <fieldset className="form-field">
          <legend>{say.opens}</legend>
          <label className="check">
            <input type="radio" name="companies" checked={ofSome} onChange={() => setOfSome(true)} />
            <span>{say.theseCompanies}</span>
          </label>
          <label className="check">
            <input type="radio" name="companies" checked={!ofSome} onChange={() => setOfSome(false)} />
            <span>{say.everyCompanyToCome}</span>
          </label>
          {ofSome && (
            <>
              <Chosen
                chosen={companies}
                onDrop={(id) => setCompanies(companies.filter((company) => company.id !== id))}
              />
              <CompanyPicker
                taken={companies.map(({ id }) => id)}
                onTake={(company) => setCompanies([...companies, company])}
              />
            </>
          )}
        </fieldset>
        <fieldset className="checks">
          <legend>{say.mayBesides}</legend>
          {offered.map((action) => (
            <label key={action} className="check">
              <input
                type="checkbox"
                checked={actions.includes(action)}
                onChange={(event) =>
                  setActions(event.target.checked ? [...actions, action] : actions.filter((one) => one !== action))
                }
              />
              <span>{spell(action)}</span>
            </label>
          ))}
        </fieldset>
        <Outcome refused={opensNothing && ofSome && companies.length === 0 ? say.whichOnes : refused} />
      </form>
    </Dialog>
  );
}

function Secret({ name, secret, onClose }: { name: string; secret: string; onClose(): void }) {
  return (
    <Dialog
      title={say.made(name)}
      onClose={onClose}
      once
      actions={
        <button type="button" className="button primary" onClick={onClose}>
          {say.kept}
        </button>
      }
    >
      <p>{say.once}</p>
      <p className="secret">
        <code data-testid="secret">{secret}</code>
        <Copy text={secret} label={texts.common.copy} />
      </p>
      <p className="quiet small">{say.use}</p>
    </Dialog>
  );
}
