// What an error means to a person. The API's codes are words for programs.

import type { CombinedError } from 'urql';
import { codeOf } from './client.ts';
import { texts } from './texts.ts';

export interface Plain {
  title: string;
  text: string;
  /** By which the server's log knows it. */
  requestId: string | undefined;
}

export function plainly(error: CombinedError | undefined): Plain {
  const code = codeOf(error);
  const known = Object.entries(texts.errors).find(([name]) => name === code)?.[1] ?? texts.errors.INTERNAL;
  const first = error?.graphQLErrors[0];
  // What the API says of an input is meant for people; of an internal error it says nothing.
  const said = code === 'BAD_INPUT' || code === 'LIMIT' ? first?.message : undefined;
  const requestId = first?.extensions?.requestId;
  return {
    title: known.title,
    text: said ?? known.text,
    requestId: typeof requestId === 'string' ? requestId : undefined,
  };
}
