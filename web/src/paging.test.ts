import { expect, test } from 'vitest';
import { isAstray, offsetOf, stillShown } from './paging.ts';

const middle = { hasNextPage: true, hasPreviousPage: true };

test('where a page stands is known at both ends, whatever was thought before', () => {
  expect(offsetOf(undefined, { info: { ...middle, hasPreviousPage: false }, rows: 50, total: 60 })).toBe(0);
  const last = { info: { ...middle, hasNextPage: false }, rows: 10, total: 63 };
  expect(offsetOf({ offset: 50, total: 60 }, last)).toBe(53);
});

test('in the middle it is known while the list is as long as when one turned there, and else not claimed', () => {
  expect(offsetOf({ offset: 50, total: 160 }, { info: middle, rows: 50, total: 160 })).toBe(50);
  expect(offsetOf({ offset: 50, total: 160 }, { info: middle, rows: 50, total: 163 })).toBeUndefined();
  expect(offsetOf(undefined, { info: middle, rows: 50, total: 160 })).toBeUndefined();
});

test('while the next page is on its way, the range is that of the page that is still shown', () => {
  const shown = { info: { ...middle, startCursor: 'a', endCursor: 'z' }, rows: 50, total: 300 };
  expect(stillShown({ offset: 100, total: 300 }, { after: 'z' }, 50, shown)?.offset).toBe(50);
  expect(stillShown({ offset: 50, total: 300 }, { before: 'a' }, 50, shown)?.offset).toBe(100);
  expect(stillShown({ offset: 100, total: 300 }, { after: 'k' }, 50, shown)?.offset).toBe(100);
});

test('a later page without rows, and a start that is not full, lead back to the start', () => {
  const shown = (rows: number, info = middle) => ({ info, rows, total: 60 });
  const start = { hasNextPage: true, hasPreviousPage: false };
  expect(isAstray({ after: 'x' }, 50, shown(0))).toBe(true);
  expect(isAstray({ before: 'x' }, 50, shown(7, start))).toBe(true);
  expect(isAstray({ after: 'x' }, 50, shown(10, { hasNextPage: false, hasPreviousPage: true }))).toBe(false);
  expect(isAstray({}, 50, shown(0)), 'a list that is empty is no page that has gone').toBe(false);
});
