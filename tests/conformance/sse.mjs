// The graphql-sse client against a running server: node sse.mjs URL TOKEN

import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';

const [url, token] = process.argv.slice(2);

const connect = (headers) => createClient({ url: `${url}/stream`, headers, retryAttempts: 0 });
const client = connect({ authorization: `Bearer ${token}` });

const counted = [];
for await (const { data } of client.iterate({ query: 'subscription { count(to: 3) }' })) counted.push(data.count);
assert.deepEqual(counted, [1, 2, 3]);

const { value } = await client.iterate({ query: '{ hello }' }).next();
assert.deepEqual(value, { data: { hello: 'world' } });

for await (const { data } of client.iterate({ query: 'subscription { waits }' })) {
  assert.equal(data.waits, 0);
  break;
}

await assert.rejects(connect({}).iterate({ query: '{ hello }' }).next(), (error) => error.response.status === 401);

client.dispose();
