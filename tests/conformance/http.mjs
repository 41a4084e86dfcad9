// The audits of graphql-http against a running server: node http.mjs URL TOKEN

import { serverAudits } from 'graphql-http';

const [url, token] = process.argv.slice(2);

const fetchFn = (input, init = {}) =>
  fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

const audits = serverAudits({ url, fetchFn });
const results = [];
for (const audit of audits) results.push(await audit.fn());

const failed = results.filter((result) => result.status !== 'ok');
for (const { id, name, status, reason } of failed) console.error(`${status}: ${id} ${name}: ${reason}`);
console.log(`${results.length - failed.length} of ${results.length} audits pass`);
process.exit(failed.length === 0 && results.length === 61 ? 0 : 1);
