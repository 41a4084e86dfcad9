// Which question an answer belongs to. While another one is asked, what is there is at best something to dim.

import type { CombinedError } from 'urql';

/** An answer, and the variables that it was given to. */
export interface Kept<Data> {
  data: Data;
  of: string;
}

/** What came last, whatever was asked by then. */
export interface Came<Data> {
  data?: Data | undefined;
  error?: CombinedError | undefined;
  operation?: { variables: unknown } | undefined;
}

export interface Answered<Data> {
  /** What was answered last, also while it is asked again; none of another question once this one has failed. */
  data: Data | undefined;
  /** Why there is no answer. */
  error: CombinedError | undefined;
  /** Why the answer that is there could not be brought up to date. */
  behind: CombinedError | undefined;
  /** What is there answers another question than the one asked now: another page, search or instant. */
  outdated: boolean;
}

export const nameOf = (variables: unknown): string => JSON.stringify(variables ?? {});

/** What is to be kept from now on. With an error a part may be missing, and what is missing looks like nothing. */
export function keep<Data>(kept: Kept<Data> | undefined, { data, error, operation }: Came<Data>) {
  if (data === undefined || error) return kept;
  const of = nameOf(operation?.variables);
  return kept?.data === data && kept.of === of ? kept : { data, of };
}

export function answered<Data>(
  kept: Kept<Data> | undefined,
  { error, operation }: Came<Data>,
  variables: unknown,
): Answered<Data> {
  const question = nameOf(variables);
  const isAnswer = kept?.of === question;
  // While something else is asked, the last error still stands beside it: it is not this question's.
  const own = nameOf(operation?.variables) === question ? error : undefined;
  return {
    data: own && !isAnswer ? undefined : kept?.data,
    error: isAnswer ? undefined : own,
    behind: isAnswer ? own : undefined,
    outdated: kept !== undefined && !isAnswer && !own,
  };
}
