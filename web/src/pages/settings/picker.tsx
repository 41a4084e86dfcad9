// Chooses from what is too much for a list: one types a part of the name, and takes from what is found.

import { useEffect, useId, useState } from 'react';
import { useQuery } from 'urql';
import { FindCompaniesDocument, FindGroupsDocument } from '../../gql/graphql.ts';
import { texts } from '../../texts.ts';

const PAUSE = 200;

/** What was typed, once the typing pauses. */
function usePaused(typed: string): string {
  const [paused, setPaused] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(typed.trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  return paused;
}

interface Option {
  id: string;
  name: string;
  detail?: string | undefined;
}

interface Props {
  label: string;
  typed: string;
  onType(typed: string): void;
  options: Option[] | undefined;
  total: number | undefined;
  taken: string[];
  onTake(id: string): void;
}

function Picker({ label, typed, onType, options, total, taken, onTake }: Props) {
  const list = useId();
  const [open, setOpen] = useState(false);
  const take = (id: string) => {
    setOpen(false);
    onTake(id);
  };
  const left = options?.filter(({ id }) => !taken.includes(id));
  return (
    <search
      className="picker"
      aria-label={label}
      onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && setOpen(false)}
    >
      <input
        className="field"
        type="search"
        value={typed}
        placeholder={label}
        aria-label={label}
        aria-controls={list}
        onFocus={() => setOpen(true)}
        onClick={() => setOpen(true)}
        onChange={(event) => {
          setOpen(true);
          onType(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && open) {
            // It closes the list, not the dialog around it.
            event.preventDefault();
            setOpen(false);
          }
          // Enter takes what is found first, and is not for the form around it.
          if (event.key !== 'Enter') return;
          event.preventDefault();
          const first = left?.[0];
          if (open && typed && first) take(first.id);
        }}
      />
      <ul id={list} className="picker-list" aria-label={label} hidden={!open}>
        {left?.map(({ id, name, detail }) => (
          <li key={id}>
            <button
              type="button"
              className="picker-option"
              // The focus stays where one types; on an option that goes it would be lost.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(id)}
            >
              <span>{name}</span>
              {detail && <span className="quiet small">{detail}</span>}
            </button>
          </li>
        ))}
        {options && left?.length === 0 && <li className="quiet small picker-none">{texts.settings.nothingFound}</li>}
        {options && total !== undefined && total > options.length && (
          <li className="quiet small picker-none">{texts.record.andMore(total - options.length)}</li>
        )}
      </ul>
    </search>
  );
}

export interface GroupChoice {
  id: string;
  entraId: string;
  name: string;
}

interface GroupPickerProps {
  company: string;
  /** Ids of groups, of the kind that `by` names. */
  taken: string[];
  by: 'id' | 'entraId';
  onTake(group: GroupChoice): void;
}

/** Chooses from the contact groups of a company. */
export function GroupPicker({ company, taken, by, onTake }: GroupPickerProps) {
  const [typed, setTyped] = useState('');
  const search = usePaused(typed);
  const [{ data }] = useQuery({ query: FindGroupsDocument, variables: { company, search: search || undefined } });
  const groups = data?.company?.groups;
  return (
    <Picker
      label={texts.settings.findGroup}
      typed={typed}
      onType={setTyped}
      options={groups?.edges.map(({ node }) => ({
        id: node[by],
        name: node.displayName ?? texts.record.nameless,
        detail: node.mail ?? texts.record.groupKinds[node.kind],
      }))}
      total={groups?.totalCount}
      taken={taken}
      onTake={(id) => {
        const group = groups?.edges.find(({ node }) => node[by] === id)?.node;
        if (group) onTake({ id: group.id, entraId: group.entraId, name: group.displayName ?? texts.record.nameless });
      }}
    />
  );
}

interface CompanyPickerProps {
  taken: string[];
  onTake(company: { id: string; name: string }): void;
}

/** Chooses from the companies. */
export function CompanyPicker({ taken, onTake }: CompanyPickerProps) {
  const [typed, setTyped] = useState('');
  const search = usePaused(typed);
  const [{ data }] = useQuery({ query: FindCompaniesDocument, variables: { search: search || undefined } });
  const companies = data?.companies;
  return (
    <Picker
      label={texts.settings.findCompany}
      typed={typed}
      onType={setTyped}
      options={companies?.edges.map(({ node }) => node)}
      total={companies?.totalCount}
      taken={taken}
      onTake={(id) => {
        const company = companies?.edges.find(({ node }) => node.id === id)?.node;
        if (company) onTake(company);
      }}
    />
  );
}

/** What is taken away gives the keyboard to what stands beside it, or to where that is saved. */
export function focusBeside(button: HTMLElement) {
  const item = button.closest('li');
  const beside = (item?.nextElementSibling ?? item?.previousElementSibling)?.querySelector('button');
  (beside ?? item?.closest('form, section')?.querySelector<HTMLElement>('.button.primary'))?.focus();
}

interface ChosenProps {
  chosen: Option[];
  onDrop(id: string): void;
  disabled?: boolean;
}

/** What has been chosen, each with a way to take it back. */
export function Chosen({ chosen, onDrop, disabled = false }: ChosenProps) {
  return (
    <ul className="chosen">
      {chosen.map(({ id, name }) => (
        <li key={id} className="pill accent">
          {name}
          {!disabled && (
            <button
              type="button"
              className="chosen-drop"
              onClick={(event) => {
                focusBeside(event.currentTarget);
                onDrop(id);
              }}
              aria-label={texts.settings.drop(name)}
            >
              ×
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
