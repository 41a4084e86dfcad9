// The graphql-ws client against a running server: node ws.mjs URL TOKEN

import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token] = process.argv.slice(2);

const connect = (options = {}) =>
  createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: 0,
    ...options,
  });

const client = connect();

const counted = [];
for await (const { data } of client.iterate({ query: 'subscription { count(to: 3) }' })) counted.push(data.count);
assert.deepEqual(counted, [1, 2, 3]);

const { value } = await client.iterate({ query: '{ hello }' }).next();
assert.deepEqual(value, { data: { hello: 'world' } });

// A subscription that is left early ends, and the connection goes on.
for await (const { data } of client.iterate({ query: 'subscription { waits }' })) {
  assert.equal(data.waits, 0);
  break;
}
assert.deepEqual((await client.iterate({ query: '{ hello }' }).next()).value, { data: { hello: 'world' } });

await assert.rejects(client.iterate({ query: '{ nothing }' }).next(), (errors) => errors[0].extensions.code === 'BAD_INPUT');
await assert.rejects(client.iterate({ query: 'mutation { bump }' }).next(), (errors) => Array.isArray(errors));

const stranger = connect({ connectionParams: {} });
await assert.rejects(stranger.iterate({ query: '{ hello }' }).next(), (event) => event.code === 4403);

await client.dispose();
