import { expect, test } from 'vitest';
import { dayFrom, endOf, fromField, instant, isDay, toField } from './moments.ts';

test('what a field shows comes back as the same minute', () => {
  const at = '2026-11-23T17:20:00Z';
  expect(fromField(toField(at))).toBe(at);
});

test('an address that names no moment names now', () => {
  expect(instant(null)).toBeUndefined();
  expect(instant('yesterday')).toBeUndefined();
});

test('an instant of the API keeps its microseconds, for a run was kept no earlier', () => {
  expect(instant('2026-11-23T17:15:14.836667+00:00')).toBe('2026-11-23T17:15:14.836667+00:00');
  expect(instant('2026-11-23')).toBe('2026-11-23T00:00:00Z');
});

test('a period holds its last day', () => {
  expect(dayFrom(Date.UTC(2026, 10, 1, 3), -1)).toBe('2026-10-31');
  expect(endOf('2026-12-31')).toBe('2027-01-01T00:00:00Z');
  expect(isDay('2026-13-31')).toBe(false);
  expect(isDay('2026-11-23')).toBe(true);
});
