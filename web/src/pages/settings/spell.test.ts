import { expect, test } from 'vitest';
import { spell } from './spell.ts';

test('a name of the API reads as words', () => {
  expect(spell('SET_PORTAL_ACCESS_GROUPS')).toBe('Set portal access groups');
});
