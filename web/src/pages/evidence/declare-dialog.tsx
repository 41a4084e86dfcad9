// Somebody states something and answers for it.

import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { plainly } from '../../errors.ts';
import { CheckTitlesDocument, type DeclarationKind, DeclareEvidenceDocument } from '../../gql/graphql.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { words } from '../../texts/evidence.ts';
import { texts } from '../../texts.ts';
import { useEvidence } from './context.ts';
import { dayFrom, endOf, fromField, toField } from './moments.ts';
import { Name } from './why.tsx';

const kinds: DeclarationKind[] = [
  'EXCEPTION',
  'EMERGENCY_ACCOUNT',
  'NON_PERSON_ACCOUNT',
  'CHANGE',
  'NO_DEVICES',
  'SIX_YEARS',
];
const aboutCompany: DeclarationKind[] = ['NO_DEVICES', 'SIX_YEARS'];
const ending: DeclarationKind[] = ['EXCEPTION', 'EMERGENCY_ACCOUNT', 'NON_PERSON_ACCOUNT'];

interface Props {
  start: { kind: DeclarationKind; check?: string; object?: string };
  onClose(): void;
  onDone?(): void;
}

interface Refusal {
  message: string;
  field: string | undefined;
}

export function DeclareDialog({ start, onClose, onDone }: Props) {
  const { company } = useEvidence();
  const form = useId();
  const [kind, setKind] = useState(start.kind);
  const [{ fetching }, declare] = useMutation(DeclareEvidenceDocument);
  const [refused, setRefused] = useState<Refusal | null>(null);
  const [done, setDone] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (fetching) return;
    const given = new FormData(event.currentTarget);
    const said = (name: string) => String(given.get(name) ?? '').trim() || undefined;
    const until = said('expiresAt');
    const { data, error } = await declare({
      input: {
        companyId: company,
        kind,
        owner: said('owner') ?? '',
        reason: said('reason') ?? '',
        checkId: said('checkId'),
        objectId: said('objectId'),
        reference: said('reference'),
        changedAt: fromField(said('changedAt') ?? ''),
        expiresAt: until && endOf(until),
      },
    });
    const wrong = data?.declareEvidence.userErrors[0];
    if (wrong) return setRefused({ message: wrong.message, field: wrong.path.at(-1) });
    if (error) return setRefused({ message: plainly(error).text, field: undefined });
    setRefused(null);
    setDone(true);
    onDone?.();
  };

  if (done)
    return (
      <Dialog title={words.declarations.title} onClose={onClose}>
        <p className="notice good" role="status">
          {words.declarations.done}
        </p>
      </Dialog>
    );
  const invalid = (field: string) => refused?.field === field;
  return (
    <Dialog
      title={words.declarations.title}
      onClose={onClose}
      actions={
        <>
          <button type="button" className="button" onClick={onClose}>
            {texts.common.cancel}
          </button>
          <button type="submit" form={form} className="button primary" aria-disabled={fetching}>
            {words.declarations.submit}
          </button>
        </>
      }
    >
      <p className="quiet">{words.declarations.explain}</p>
      <form id={form} className="declare" onSubmit={submit}>
        <Labelled label={words.declarations.kind}>
          {(id) => (
            <select
              id={id}
              className="field"
              name="kind"
              value={kind}
              onChange={(event) => {
                setKind(event.target.value as DeclarationKind);
                setRefused(null);
              }}
            >
              {kinds.map((one) => (
                <option key={one} value={one}>
                  {words.declarations.kinds[one]}
                </option>
              ))}
            </select>
          )}
        </Labelled>
        {kind === 'EXCEPTION' && <CheckField start={start.check} invalid={invalid('checkId')} />}
        {!aboutCompany.includes(kind) && (
          <Labelled label={words.declarations.objectId}>
            {(id) => (
              <>
                <input
                  id={id}
                  className="field mono"
                  name="objectId"
                  defaultValue={start.object}
                  required
                  aria-invalid={invalid('objectId')}
                />
                {start.object && (
                  <span className="small">
                    <Name id={start.object} />
                  </span>
                )}
              </>
            )}
          </Labelled>
        )}
        {kind === 'CHANGE' && (
          <>
            <Labelled label={words.declarations.reference}>
              {(id) => (
                <input id={id} className="field" name="reference" required aria-invalid={invalid('reference')} />
              )}
            </Labelled>
            <Labelled label={words.declarations.changedAt}>
              {(id) => (
                <input
                  id={id}
                  className="field"
                  name="changedAt"
                  type="datetime-local"
                  required
                  max={toField(new Date().toISOString())}
                  aria-invalid={invalid('changedAt')}
                />
              )}
            </Labelled>
          </>
        )}
        <Labelled label={words.declarations.reason}>
          {(id) => (
            <textarea id={id} className="field" name="reason" rows={3} required aria-invalid={invalid('reason')} />
          )}
        </Labelled>
        <Labelled label={words.declarations.owner}>
          {(id) => <input id={id} className="field" name="owner" required aria-invalid={invalid('owner')} />}
        </Labelled>
        {kind !== 'CHANGE' && (
          <Labelled label={words.declarations.expires}>
            {(id) => (
              <input
                id={id}
                className="field"
                name="expiresAt"
                type="date"
                required={ending.includes(kind)}
                min={dayFrom(Date.now(), 0)}
                max={dayFrom(Date.now(), 398)}
                aria-invalid={invalid('expiresAt')}
              />
            )}
          </Labelled>
        )}
        {refused && (
          <p className="notice bad" role="alert">
            {refused.message}
          </p>
        )}
      </form>
    </Dialog>
  );
}

/** A control under its label, by the id that it is given. */
function Labelled({ label, children }: { label: string; children(id: string): ReactNode }) {
  const id = useId();
  return (
    <div className="labelled">
      <label htmlFor={id}>{label}</label>
      {children(id)}
    </div>
  );
}

function CheckField({ start, invalid }: { start: string | undefined; invalid: boolean }) {
  const [{ data }] = useQuery({ query: CheckTitlesDocument, requestPolicy: 'cache-first' });
  const checks = [...(data?.checks ?? [])].sort((a, b) => a.title.localeCompare(b.title, 'en'));
  return (
    <Labelled label={words.declarations.check}>
      {(id) => (
        <>
          {/* Once the checks are known it begins with the one that was chosen. */}
          <select
            id={id}
            key={checks.length}
            className="field"
            name="checkId"
            defaultValue={start}
            required
            aria-invalid={invalid}
          >
            {!start && <option value="" />}
            {checks.map((check) => (
              <option key={check.id} value={check.id}>
                {check.title}
              </option>
            ))}
          </select>
        </>
      )}
    </Labelled>
  );
}
