import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { idsOf, idsQuery, tabsOf } from '../graphiql/tour.js';

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
const queries = [...tabsOf({}).map(({ query }) => query), idsQuery];

test.each(queries)('what GraphiQL offers is good by the schema: %#', (query) => {
  expect(validate(schema, parse(query)).map(({ message }) => message)).toEqual([]);
});

const found = (...companies: [string, ...string[]][]) => ({
  companies: {
    edges: companies.map(([id, ...runs]) => ({
      node: { id, syncRuns: { edges: runs.map((run) => ({ node: { id: run } })) } },
    })),
  },
});

test('the tabs are filled with a company, of those that were synced where there is one', () => {
  expect(idsOf(found())).toEqual({});
  expect(idsOf(found(['new'], ['newer']))).toEqual({ companyId: 'new' });
  expect(idsOf(found(['new'], ['synced', 'run']))).toEqual({ companyId: 'synced', syncRunId: 'run' });
});

test('what is not known, and what cannot be taken back, is left to be filled in', () => {
  const variablesOf = (name: string, ids = {}) =>
    JSON.parse(tabsOf(ids).find(({ query }) => query.includes(` ${name}(`))?.variables ?? '');
  const ids = { companyId: 'c', syncRunId: 'r' };
  expect(variablesOf('Contacts', ids)).toEqual({ companyId: 'c' });
  expect(variablesOf('Preview', ids)).toEqual({ syncRunId: 'r' });
  expect(variablesOf('Contacts')).toEqual(variablesOf('Disconnect', ids));
  expect(variablesOf('Preview')).toEqual(variablesOf('ReleaseHeldChanges', ids));
});
