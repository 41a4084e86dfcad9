// GraphiQL for Tenantry: queries by POST, subscriptions by websocket, and a walk through the API in its tabs.

import { explorerPlugin } from '@graphiql/plugin-explorer';
import '@graphiql/plugin-explorer/style.css';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import { createClient } from 'graphql-ws';
import { createRoot } from 'react-dom/client';
import { mend } from './accessible.js';
import './page.css';
import { idsOf, idsQuery, tabsOf } from './tour.js';

const url = new URL('/graphql', location.href);
const socket = new URL(url);
socket.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

// Connects when the first subscription starts; the session's cookie goes along.
const fetcher = createGraphiQLFetcher({
  url: url.href,
  wsClient: createClient({ url: socket.href, lazy: true }),
});

// Ticks fields into the operation of the tab one is in.
const explorer = { ...explorerPlugin({ title: 'Explorer' }), title: 'Explorer' };

const root = document.getElementById('graphiql');
mend(root);

const headers = { 'X-Tenantry-Request': '1' };

/** Ids that whoever is signed in may see; none where they cannot be had, for the tabs are of use without. */
async function knownIds() {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ query: idsQuery }),
      signal: AbortSignal.timeout(5_000),
    });
    return idsOf((await response.json()).data);
  } catch {
    return {};
  }
}

// A browser that has tabs of its own keeps those.
knownIds().then((ids) =>
  createRoot(root).render(
    <GraphiQL
      fetcher={fetcher}
      defaultHeaders={JSON.stringify(headers, null, 2)}
      defaultEditorToolsVisibility="variables"
      defaultTabs={tabsOf(ids)}
      plugins={[explorer]}
    />,
  ),
);
