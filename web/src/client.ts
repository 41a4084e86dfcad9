// The one GraphQL client: requests by POST with the session's cookie, subscriptions by the transport.

import { useSyncExternalStore } from 'react';
import { Client, type CombinedError, cacheExchange, fetchExchange, mapExchange, subscriptionExchange } from 'urql';
import { createTransport } from './live/transport.ts';
import { PATIENCE } from './patience.ts';

const endings = new Set<() => void>();

/** Tells whenever an answer says that nobody is signed in (any more). */
export function onSignedOut(listener: () => void) {
  endings.add(listener);
  return () => {
    endings.delete(listener);
  };
}

function ended() {
  for (const listener of endings) listener();
}

const transport = createTransport({ onEnded: ended });

export const client = new Client({
  url: '/graphql',
  fetch: (input, init) => {
    const signals = [AbortSignal.timeout(PATIENCE), init?.signal].filter((signal) => signal instanceof AbortSignal);
    return fetch(input, { ...init, signal: AbortSignal.any(signals) });
  },
  preferGetMethod: false,
  // What is known is shown at once, and asked for again behind it.
  requestPolicy: 'cache-and-network',
  fetchOptions: { headers: { 'X-Tenantry-Request': '1' } },
  exchanges: [
    mapExchange({
      onError: (error) => {
        if (codeOf(error) === 'UNAUTHENTICATED') ended();
      },
    }),
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({
          unsubscribe: transport.subscribe(
            { query: request.query ?? '', variables: { ...request.variables } },
            // The transport's answers are results of GraphQL by its protocols.
            sink as Parameters<typeof transport.subscribe>[1],
          ),
        }),
      }),
    }),
  ],
});

/** The API's own code of an error; NETWORK where it was never asked, TIMEOUT where it has not answered in time. */
export function codeOf(error: CombinedError | undefined): string | undefined {
  if (!error) return undefined;
  if (error.networkError) return error.networkError.name === 'TimeoutError' ? 'TIMEOUT' : 'NETWORK';
  const code = error.graphQLErrors[0]?.extensions?.code;
  return typeof code === 'string' ? code : 'INTERNAL';
}

/** Whether it may be answered as soon as there is a line to the server again. */
export function isUnanswered(error: CombinedError | undefined): boolean {
  return error?.networkError !== undefined;
}

/** How the line for live updates stands. */
export function useLine() {
  return useSyncExternalStore(transport.watch, transport.line);
}
