// Whom a company wants as contacts: chosen, tried in a dry run that tells by name who would come and go, and saved.

import { useState } from 'react';
import { useMutation } from 'urql';
import { SyncRulesDocument, type SyncRulesQuery, UpdateSyncRulesDocument } from '../../gql/graphql.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Answer, Behind } from '../../parts/states.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/settings.ts';
import { texts } from '../../texts.ts';
import { useCompany } from '../company/context.ts';
import { Chosen, GroupPicker } from './picker.tsx';
import { Preview } from './preview.tsx';
import { Outcome, Section } from './section.tsx';
import { useDeed } from './use-deed.ts';
import { useDraft } from './use-draft.ts';
import { useGroupNames } from './use-group-names.ts';

type Rules = NonNullable<NonNullable<SyncRulesQuery['company']>['syncRules']>;

const say = words.rules;

export function SyncRules() {
  const { company } = useCompany();
  const asked = useAsked(SyncRulesDocument, { company: company.id });
  return (
    <Section title={say.title} text={say.text}>
      <Answer asked={asked} waiting={<Skeleton className="skeleton-card skeleton-rules" />}>
        {({ company }) => company?.syncRules && <Form saved={company.syncRules} onSaved={asked.retry} />}
      </Answer>
    </Section>
  );
}

function Form({ saved, onSaved }: { saved: Rules; onSaved(): void }) {
  const { company, may } = useCompany();
  const [, update] = useMutation(UpdateSyncRulesDocument);
  const { busy, refused, attempt } = useDeed();
  const draft = useDraft(`rules ${company.id}`, saved);
  const { value: rules, changed } = draft;
  const [learnt, setLearnt] = useState<ReadonlyMap<string, string>>(new Map());
  const { names, isAll, error, retry } = useGroupNames(
    company.id,
    rules.onlyGroups.filter((id) => !learnt.has(id)),
  );
  const [run, setRun] = useState<string | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const mayChange = may('UPDATE_SYNC_RULES');

  const change = (changes: Partial<Rules>) => {
    draft.change({ ...rules, ...changes });
    // What was tried were other rules.
    setRun(null);
    setDone(null);
  };
  const send = (preview: boolean) =>
    attempt(async () => {
      const excludePatterns = rules.excludePatterns.map((pattern) => pattern.trim()).filter(Boolean);
      const { includeGuests, licensedOnly, onlyGroups } = rules;
      const input = {
        companyId: company.id,
        preview,
        rules: { includeGuests, licensedOnly, onlyGroups, excludePatterns },
      };
      const { data, error } = await update({ input });
      return { error, payload: data?.updateSyncRules };
    });
  const tryThem = async () => {
    setDone(null);
    const payload = await send(true);
    if (payload?.syncRun) setRun(payload.syncRun.id);
  };
  const save = async () => {
    if (!changed || !(await send(false))) return;
    setRun(null);
    draft.settle();
    setDone(say.saved);
    onSaved();
  };
  const nameOf = (id: string) => {
    if (names.has(id)) return names.get(id) ?? texts.record.nameless;
    return learnt.get(id) ?? (isAll ? say.goneGroup(id) : id);
  };

  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        void tryThem();
      }}
    >
      <fieldset className="form" disabled={!mayChange}>
        <legend className="sr-only">{say.title}</legend>
        <Check label={say.guests} checked={rules.includeGuests} onChange={(on) => change({ includeGuests: on })} />
        <Check label={say.licensed} checked={rules.licensedOnly} onChange={(on) => change({ licensedOnly: on })} />
        <div className="form-field">
          <span>{say.groups}</span>
          <span className="quiet small">{say.groupsText}</span>
          {rules.onlyGroups.length > 0 && (
            <Chosen
              chosen={rules.onlyGroups.map((id) => ({ id, name: nameOf(id) }))}
              onDrop={(id) => change({ onlyGroups: rules.onlyGroups.filter((one) => one !== id) })}
              disabled={!mayChange}
            />
          )}
          {error && <Behind error={error} retry={retry} />}
          {mayChange && (
            <GroupPicker
              company={company.id}
              taken={rules.onlyGroups}
              by="entraId"
              onTake={({ entraId, name }) => {
                setLearnt(new Map(learnt).set(entraId, name));
                change({ onlyGroups: [...rules.onlyGroups, entraId] });
              }}
            />
          )}
        </div>
        <label className="form-field">
          <span>{say.patterns}</span>
          <span className="quiet small">{say.patternsText}</span>
          <textarea
            className="field mono"
            rows={3}
            value={rules.excludePatterns.join('\n')}
            onChange={(event) => change({ excludePatterns: event.target.value.split('\n') })}
          />
        </label>
      </fieldset>
      <Outcome refused={refused} done={done} />
      {mayChange ? (
        <div className="toolbar">
          <button type="submit" className="button" aria-disabled={busy}>
            {say.preview}
          </button>
          <button type="button" className="button primary" onClick={save} aria-disabled={busy || !changed}>
            {words.save}
          </button>
          {changed && <span className="quiet small">{words.unsaved}</span>}
          {!company.tenant?.connectedAt && <span className="quiet small">{say.unconnected}</span>}
        </div>
      ) : (
        <p className="quiet small">{words.lookOnly}</p>
      )}
      {run && <Preview key={run} run={run} />}
    </form>
  );
}

function Check({ label, checked, onChange }: { label: string; checked: boolean; onChange(on: boolean): void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      <span>{label}</span>
    </label>
  );
}
