// Deletes a company with all that is kept of it. There is no way back, so its name has to be typed.

import { type FormEvent, useId, useState } from 'react';
import { useMutation } from 'urql';
import { DeleteCompanyDocument } from '../../gql/graphql.ts';
import { Dialog, firstFocus } from '../../parts/dialog.tsx';
import { navigate } from '../../router.tsx';
import { words } from '../../texts/settings.ts';
import { useCompany } from '../company/context.ts';
import { Outcome, Section } from './section.tsx';
import { useDeed } from './use-deed.ts';

const say = words.deletion;

export function DeleteCompany() {
  const { company, may } = useCompany();
  const [open, setOpen] = useState(false);
  if (!may('DELETE_COMPANY')) return null;
  return (
    <Section title={say.title} text={say.text}>
      <div>
        <button type="button" className="button danger" onClick={() => setOpen(true)}>
          {say.open}
        </button>
      </div>
      {open && <Question id={company.id} name={company.name} onClose={() => setOpen(false)} />}
    </Section>
  );
}

function Question({ id, name, onClose }: { id: string; name: string; onClose(): void }) {
  const form = useId();
  const [, remove] = useMutation(DeleteCompanyDocument);
  const { busy, refused, attempt } = useDeed();
  const [typed, setTyped] = useState('');
  const isSure = typed.trim() === name;
  const go = async (event: FormEvent) => {
    event.preventDefault();
    if (!isSure) return;
    const payload = await attempt(async () => {
      const { data, error } = await remove({ company: id });
      return { error, payload: data?.deleteCompany };
    });
    if (payload) navigate('/');
  };
  return (
    <Dialog
      title={say.question(name)}
      onClose={onClose}
      actions={
        <button type="submit" form={form} className="button danger" aria-disabled={busy || !isSure}>
          {say.do}
        </button>
      }
    >
      <form id={form} className="form" onSubmit={go}>
        <p>{say.explain}</p>
        <label className="form-field">
          <span>{say.type(name)}</span>
          <input
            className="field"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoComplete="off"
            ref={firstFocus}
          />
        </label>
        <Outcome refused={refused} />
      </form>
    </Dialog>
  );
}
