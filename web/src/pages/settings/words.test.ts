import { expect, test } from 'vitest';
import { words } from './words.ts';

test('a name of the API reads as words', () => {
  expect(words('SET_PORTAL_ACCESS_GROUPS')).toBe('Set portal access groups');
});
