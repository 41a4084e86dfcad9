// Which contact groups open a company's portal, and what their members see there.

import { useState } from 'react';
import { useMutation } from 'urql';
import {
  PortalAccessDocument,
  type PortalAccessQuery,
  type PortalRole,
  SetPortalAccessGroupsDocument,
} from '../../gql/graphql.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Answer } from '../../parts/states.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/settings.ts';
import { texts } from '../../texts.ts';
import { useCompany } from '../company/context.ts';
import { focusBeside, GroupPicker } from './picker.tsx';
import { Outcome, Section } from './section.tsx';
import { useDeed } from './use-deed.ts';
import { useDraft } from './use-draft.ts';

interface Access {
  id: string;
  name: string;
  members: number | null;
  role: PortalRole;
}

const roles: PortalRole[] = ['USER', 'MANAGER'];
const say = words.portal;

export function PortalAccess() {
  const { company } = useCompany();
  const asked = useAsked(PortalAccessDocument, { company: company.id });
  return (
    <Section title={say.title} text={say.text}>
      <Answer asked={asked} waiting={<Skeleton className="skeleton-card" />}>
        {({ company }) => company && <Form saved={accessOf(company)} onSaved={asked.retry} />}
      </Answer>
    </Section>
  );
}

function accessOf({ portalAccessGroups }: NonNullable<PortalAccessQuery['company']>): Access[] {
  return portalAccessGroups.map(({ group, role }) => ({
    id: group.id,
    name: group.displayName ?? texts.record.nameless,
    members: group.members.totalCount,
    role,
  }));
}

function Form({ saved, onSaved }: { saved: Access[]; onSaved(): void }) {
  const { company, may } = useCompany();
  const [, set] = useMutation(SetPortalAccessGroupsDocument);
  const { busy, refused, attempt } = useDeed();
  const draft = useDraft(`portal ${company.id}`, saved);
  const { value: groups, changed } = draft;
  const [done, setDone] = useState<string | null>(null);
  const mayChange = may('SET_PORTAL_ACCESS_GROUPS');

  const change = (next: Access[]) => {
    draft.change(next);
    setDone(null);
  };
  const save = async () => {
    if (!changed) return;
    const input = { companyId: company.id, groups: groups.map(({ id, role }) => ({ groupId: id, role })) };
    const payload = await attempt(async () => {
      const { data, error } = await set({ input });
      return { error, payload: data?.setPortalAccessGroups };
    });
    if (!payload) return;
    draft.settle();
    setDone(say.saved);
    onSaved();
  };

  return (
    <div className="form">
      {groups.length === 0 ? (
        <p>{say.none}</p>
      ) : (
        <ul className="settings-list">
          {groups.map((group) => (
            <li key={group.id}>
              <span className="settings-list-name">
                {group.name}
                {group.members !== null && <span className="quiet small"> {texts.record.members(group.members)}</span>}
              </span>
              <select
                className="select"
                value={group.role}
                disabled={!mayChange}
                aria-label={say.role(group.name)}
                onChange={(event) => {
                  const role = event.target.value as PortalRole;
                  change(groups.map((one) => (one.id === group.id ? { ...one, role } : one)));
                }}
              >
                {roles.map((role) => (
                  <option key={role} value={role}>
                    {say.roles[role]}
                  </option>
                ))}
              </select>
              {mayChange && (
                <button
                  type="button"
                  className="button small-button"
                  onClick={(event) => {
                    focusBeside(event.currentTarget);
                    change(groups.filter((one) => one.id !== group.id));
                  }}
                  aria-label={words.drop(group.name)}
                >
                  {words.remove}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {mayChange && (
        <GroupPicker
          company={company.id}
          taken={groups.map(({ id }) => id)}
          by="id"
          onTake={({ id, name }) => change([...groups, { id, name, members: null, role: 'USER' }])}
        />
      )}
      <Outcome refused={refused} done={done} />
      {mayChange ? (
        <div className="toolbar">
          <button type="button" className="button primary" onClick={save} aria-disabled={busy || !changed}>
            {words.save}
          </button>
          <span className="quiet small">{changed ? `${words.unsaved} ${say.atOnce}` : say.atOnce}</span>
        </div>
      ) : (
        <p className="quiet small">{words.lookOnly}</p>
      )}
    </div>
  );
}
