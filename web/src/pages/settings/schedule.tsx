// When a company is synced by itself, and from how many deactivations on somebody is asked first.

import { type FormEvent, useState } from 'react';
import { useMutation } from 'urql';
import {
  ScheduleDocument,
  type ScheduleQuery,
  type SyncKind,
  UpdateSyncGuardDocument,
  UpdateSyncScheduleDocument,
} from '../../gql/graphql.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Answer } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/settings.ts';
import { texts } from '../../texts.ts';
import { useCompany } from '../company/context.ts';
import { Outcome, Section } from './section.tsx';
import { useDeed } from './use-deed.ts';
import { useDraft } from './use-draft.ts';

type Company = NonNullable<ScheduleQuery['company']>;
type Slots = Company['syncSchedules'][number];
type Guard = NonNullable<Company['syncGuard']>;

const say = words.schedule;
const hours: Record<SyncKind, number[]> = { IDENTITY: [4, 8, 12, 24], EVIDENCE: [6, 12, 24] };

export function Schedule() {
  const { company, refresh } = useCompany();
  const asked = useAsked(ScheduleDocument, { company: company.id });
  const { retry } = asked;
  const again = () => {
    retry();
    refresh();
  };
  const guard = asked.data?.company?.syncGuard;
  return (
    <>
      <Section title={say.title} text={say.text}>
        <Answer asked={asked} waiting={<Skeleton className="skeleton-card" />}>
          {({ company }) => (
            <ul className="settings-list">
              {company?.syncSchedules.map((slots) => (
                <OneKind key={slots.kind} slots={slots} onSaved={again} />
              ))}
            </ul>
          )}
        </Answer>
      </Section>
      {guard && (
        <Section title={words.guard.title} text={words.guard.text}>
          <GuardForm saved={guard} onSaved={retry} />
        </Section>
      )}
    </>
  );
}

function OneKind({ slots, onSaved }: { slots: Slots; onSaved(): void }) {
  const { company, may } = useCompany();
  const [, update] = useMutation(UpdateSyncScheduleDocument);
  const { busy, refused, attempt } = useDeed();
  const { kind } = slots;
  const mayChange = may('UPDATE_SYNC_SCHEDULE');
  // What was chosen stands there while it is saved, and until it has been asked for again.
  const [chosen, setChosen] = useState<{ hours: number; before: Slots } | null>(null);
  const change = async (changes: { everyHours?: number; paused?: boolean }) => {
    if (busy) return;
    if (changes.everyHours) setChosen({ hours: changes.everyHours, before: slots });
    const payload = await attempt(async () => {
      const { data, error } = await update({ input: { companyId: company.id, kind, ...changes } });
      return { error, payload: data?.updateSyncSchedule };
    });
    if (payload) onSaved();
    else setChosen(null);
  };
  return (
    <li>
      <span className="settings-list-name">
        {texts.runs.kinds[kind]}
        <span className="quiet small schedule-next">
          <Next slots={slots} />
        </span>
      </span>
      <select
        className="select"
        value={chosen?.before === slots ? chosen.hours : slots.everyHours}
        disabled={!mayChange}
        aria-disabled={busy}
        aria-label={say.howOften(texts.runs.kinds[kind])}
        onChange={(event) => change({ everyHours: Number(event.target.value) })}
      >
        {hours[kind].map((count) => (
          <option key={count} value={count}>
            {say.every(count)}
          </option>
        ))}
      </select>
      {mayChange && (
        <button
          type="button"
          className="button small-button"
          aria-disabled={busy}
          aria-label={(slots.paused ? say.resumeOne : say.pauseOne)(texts.runs.kinds[kind])}
          onClick={() => change({ paused: !slots.paused })}
        >
          {slots.paused ? say.resume : say.pause}
        </button>
      )}
      {refused && <Outcome refused={refused} />}
    </li>
  );
}

function Next({ slots }: { slots: Slots }) {
  if (slots.paused)
    return (
      <>
        {say.paused} {slots.pausedSince && <Time at={slots.pausedSince} as="relative" />}
      </>
    );
  if (!slots.nextSyncAt) return <>{say.unconnected}</>;
  return (
    <>
      {slots.failures > 1 && `${say.failures(slots.failures)} `}
      {texts.sync.next} <Time at={slots.nextSyncAt} /> (<Time at={slots.nextSyncAt} as="relative" />)
    </>
  );
}

const bounds: [keyof Guard, number, number][] = [
  ['percent', 0, 50],
  ['atLeast', 0, 100],
  ['atMost', 1, 100_000],
];

function GuardForm({ saved, onSaved }: { saved: Guard; onSaved(): void }) {
  const { company, may } = useCompany();
  const [, update] = useMutation(UpdateSyncGuardDocument);
  const { busy, refused, attempt } = useDeed();
  const draft = useDraft(`guard ${company.id}`, saved);
  const { value: guard, changed } = draft;
  const [done, setDone] = useState<string | null>(null);
  const mayChange = may('UPDATE_SYNC_GUARD');
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (!changed) return;
    const { percent, atLeast, atMost } = guard;
    const payload = await attempt(async () => {
      const { data, error } = await update({ input: { companyId: company.id, percent, atLeast, atMost } });
      return { error, payload: data?.updateSyncGuard };
    });
    if (!payload) return;
    draft.settle();
    setDone(words.guard.saved);
    onSaved();
  };
  return (
    <form className="form" onSubmit={save}>
      {bounds.map(([key, min, max]) => (
        <label key={key} className="guard-field">
          <input
            className="field"
            type="number"
            min={min}
            max={max}
            required
            disabled={!mayChange}
            value={Number.isNaN(guard[key]) ? '' : guard[key]}
            onChange={(event) => {
              draft.change({ ...guard, [key]: event.target.valueAsNumber });
              setDone(null);
            }}
          />
          <span>{words.guard[key]}</span>
        </label>
      ))}
      <Outcome refused={refused} done={done} />
      {mayChange && (
        <div className="toolbar">
          <button type="submit" className="button primary" aria-disabled={busy || !changed}>
            {words.save}
          </button>
          {changed && <span className="quiet small">{words.unsaved}</span>}
        </div>
      )}
    </form>
  );
}
