// Chooses from what is too much for a list: one types a part of the name, and takes from what is found.

import { useEffect, useId, useState } from 'react';
import type { AnyVariables } from 'urql';
import {
  FindCompaniesDocument,
  type FindCompaniesQuery,
  FindGroupsDocument,
  type FindGroupsQuery,
} from '../../gql/graphql.ts';
import { Grown, type Question } from '../../parts/grown.tsx';
import { Behind, Failed } from '../../parts/states.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/settings.ts';
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

interface Props<Data, Variables, Node> {
  label: string;
  /** What finds what is called like this. */
  find(search: string | undefined): Question<Data, Variables, Node>;
  optionOf(node: Node): Option;
  taken: string[];
  onTake(node: Node): void;
}

function Picker<Data, Variables extends AnyVariables, Node>(props: Props<Data, Variables, Node>) {
  const { label, find, optionOf, taken, onTake } = props;
  const [typed, setTyped] = useState('');
  const search = usePaused(typed);
  const question = find(search || undefined);
  const { data, error, behind, outdated, retry } = useAsked(question.query, {
    ...question.variables,
    after: undefined,
  });
  const list = useId();
  const [open, setOpen] = useState(false);
  const found = data === undefined ? undefined : question.of(data);
  const isLeft = (node: Node) => !taken.includes(optionOf(node).id);
  const left = found?.edges.map(({ node }) => node).filter(isLeft);
  const isFound = found !== undefined && !outdated && search === typed.trim();
  const take = (node: Node) => {
    setOpen(false);
    onTake(node);
  };
  const row = (node: Node) => {
    const { id, name, detail } = optionOf(node);
    return (
      isLeft(node) && (
        <li key={id}>
          <button
            type="button"
            className="picker-option"
            // The focus stays where one types; on an option that goes it would be lost.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(node)}
          >
            <span>{name}</span>
            {detail && <span className="quiet small">{detail}</span>}
          </button>
        </li>
      )
    );
  };
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
        onClick={() => setOpen(true)}
        onChange={(event) => {
          setOpen(true);
          setTyped(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setOpen(true);
          if (event.key === 'Escape' && open) {
            // It closes the list, not the dialog around it.
            event.preventDefault();
            setOpen(false);
          }
          // Enter takes what is found first, and is not for the form around it.
          if (event.key !== 'Enter') return;
          event.preventDefault();
          const first = left?.[0];
          if (open && typed && isFound && first) take(first);
        }}
      />
      <ul id={list} className="picker-list" aria-label={label} aria-busy={!isFound && !error} hidden={!open}>
        {error && (
          <li>
            <Failed error={error} retry={retry} />
          </li>
        )}
        {behind && (
          <li>
            <Behind error={behind} retry={retry} />
          </li>
        )}
        {found && <Grown key={JSON.stringify(question.variables)} {...question} first={found} row={row} />}
        {found && left?.length === 0 && !found.pageInfo.hasNextPage && (
          <li className="quiet small picker-none">{words.nothingFound}</li>
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

const groupsOf = ({ company }: FindGroupsQuery) => company?.groups;

/** Chooses from the contact groups of a company. */
export function GroupPicker({ company, taken, by, onTake }: GroupPickerProps) {
  return (
    <Picker
      label={words.findGroup}
      find={(search) => ({ query: FindGroupsDocument, variables: { company, search }, of: groupsOf })}
      optionOf={(group) => ({
        id: group[by],
        name: group.displayName ?? texts.record.nameless,
        detail: group.mail ?? texts.record.groupKinds[group.kind],
      })}
      taken={taken}
      onTake={({ id, entraId, displayName }) => onTake({ id, entraId, name: displayName ?? texts.record.nameless })}
    />
  );
}

interface CompanyPickerProps {
  taken: string[];
  onTake(company: { id: string; name: string }): void;
}

const companiesOf = ({ companies }: FindCompaniesQuery) => companies;

/** Chooses from the companies. */
export function CompanyPicker({ taken, onTake }: CompanyPickerProps) {
  return (
    <Picker
      label={words.findCompany}
      find={(search) => ({ query: FindCompaniesDocument, variables: { search }, of: companiesOf })}
      optionOf={(company) => company}
      taken={taken}
      onTake={onTake}
    />
  );
}

/** What is taken away gives the keyboard to what stands beside it, or to where another is found. */
export function focusBeside(button: HTMLElement) {
  const item = button.closest('li');
  const beside = (item?.nextElementSibling ?? item?.previousElementSibling)?.querySelector('button');
  (beside ?? item?.closest('form, section')?.querySelector<HTMLElement>('input[type=search]'))?.focus();
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
              aria-label={words.drop(name)}
            >
              ×
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
