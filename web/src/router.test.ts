import { expect, test } from 'vitest';
import { match } from './router.tsx';

test('a pattern finds its parts', () => {
  expect(match('/companies/:id/:tab?', '/companies/a%2Fb/assets')).toEqual({ id: 'a/b', tab: 'assets' });
  expect(match('/companies/:id/:tab?', '/companies/x/')).toEqual({ id: 'x' });
  expect(match('/', '/')).toEqual({});
});

test('what does not fit is no match', () => {
  expect(match('/companies/:id/:tab?', '/companies')).toBeNull();
  expect(match('/companies/:id/:tab?', '/companies/x/y/z')).toBeNull();
  expect(match('/companies/:id', '/companies/%E0%A4%A')).toBeNull();
  expect(match('/settings', '/companies')).toBeNull();
});
