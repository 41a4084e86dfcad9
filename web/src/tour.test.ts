import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { tour } from '../graphiql/tour.js';

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));

test.each(tour.map(({ query }) => query))('what GraphiQL offers is good by the schema: %#', (query) => {
  expect(validate(schema, parse(query)).map(({ message }) => message)).toEqual([]);
});
