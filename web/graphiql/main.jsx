// GraphiQL for Tenantry: queries by POST, subscriptions by websocket, and a walk through the API in its tabs.

import { explorerPlugin } from '@graphiql/plugin-explorer';
import '@graphiql/plugin-explorer/style.css';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import { createClient } from 'graphql-ws';
import { createRoot } from 'react-dom/client';
import './page.css';
import { tour } from './tour.js';

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

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    defaultHeaders={JSON.stringify({ 'X-Tenantry-Request': '1' }, null, 2)}
    defaultEditorToolsVisibility="variables"
    defaultTabs={tour}
    plugins={[explorer]}
  />,
);
