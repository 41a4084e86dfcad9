// Adds a company, for an MSP whose PSA does not do it by itself.

import { type FormEvent, useId, useState } from 'react';
import { useMutation } from 'urql';
import { plainly } from '../../errors.ts';
import { CreateCompanyDocument } from '../../gql/graphql.ts';
import { Dialog, firstFocus } from '../../parts/dialog.tsx';
import { navigate } from '../../router.tsx';
import { texts } from '../../texts.ts';

export function AddClient({ onClose }: { onClose(): void }) {
  const form = useId();
  const [{ fetching }, create] = useMutation(CreateCompanyDocument);
  const [name, setName] = useState('');
  const [externalId, setExternalId] = useState('');
  const [refused, setRefused] = useState<string | null>(null);

  const add = async (event: FormEvent) => {
    event.preventDefault();
    if (fetching) return;
    setRefused(null);
    const { data, error } = await create({ input: { name, externalId: externalId.trim() || undefined } });
    const id = data?.createCompany.company?.id;
    if (id) navigate(`/companies/${encodeURIComponent(id)}`);
    else setRefused(data?.createCompany.userErrors[0]?.message ?? plainly(error).text);
  };

  return (
    <Dialog
      title={texts.clients.add}
      onClose={onClose}
      actions={
        <button type="submit" form={form} className="button primary" aria-disabled={fetching}>
          {texts.clients.add}
        </button>
      }
    >
      <form id={form} className="form" onSubmit={add}>
        <label className="form-field">
          <span>{texts.clients.name}</span>
          <input
            className="field"
            value={name}
            onChange={(event) => setName(event.target.value)}
            required
            ref={firstFocus}
          />
        </label>
        <label className="form-field">
          <span>{texts.clients.externalId}</span>
          <input className="field" value={externalId} onChange={(event) => setExternalId(event.target.value)} />
          <span className="quiet small">{texts.clients.externalIdText}</span>
        </label>
        {refused && (
          <p className="notice bad" role="alert">
            {refused}
          </p>
        )}
      </form>
    </Dialog>
  );
}
