import { expect, test } from 'vitest';
import { spaced, told } from './lineage.ts';

const excluded = { by: 'group', object: 'outer', path: ['outer', 'inner'] };

test('a person who is left out by a policy is told through which groups', () => {
  const { policies } = told({
    policies: [
      { policy: 'p1', name: 'MFA for all', certain: true, user: { excluded } },
      { policy: 'p2', name: 'MFA for administrators', certain: false, user: 'notIncluded' },
      { policy: 'p3', name: null, certain: true, user: { perhapsExcluded: { by: 'guestType', object: 'x' } } },
      { policy: 'p4', name: 'On', certain: true, user: 'applies' },
    ],
  });
  expect(policies?.map(({ how }) => how)).toEqual(['excluded', 'notIncluded', 'perhaps', 'applies']);
  expect(policies?.[0]?.exclusion).toEqual(excluded);
  expect(policies?.[1]?.certain).toBe(false);
});

test('an excuse is told with what would be said without it', () => {
  const excuse = { owner: 'Robin', reason: 'migration', expiresAt: '2026-12-01T00:00:00Z' };
  const found = told({ excuse, otherwise: { policies: [] } });
  expect(found.excuse).toEqual(excuse);
  expect(found.policies).toEqual([]);
  expect(told({ excuse: 'declared emergency account', otherwise: {} }).excuse?.reason).toBe(
    'declared emergency account',
  );
});

test('what is not known here is told as it is, and nothing is made of nothing', () => {
  expect(told({ setting: 'x', value: true, empty: [] }).rest).toEqual([
    ['setting', 'x'],
    ['value', true],
  ]);
  expect(told(null).rest).toEqual([]);
  expect(told({}).rest).toEqual([]);
});

test('names of programs are spaced out', () => {
  expect(spaced('methodsRegistered')).toBe('methods registered');
  expect(spaced('reported_at')).toBe('reported at');
});
