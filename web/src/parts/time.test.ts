import { expect, test } from 'vitest';
import { distance, duration, inUtc } from './time.tsx';

const noon = Date.UTC(2026, 10, 23, 12);

test('a distance is told in the unit that a person would use', () => {
  expect(distance(noon - 10_000, noon)).toBe('just now');
  expect(distance(noon + 10_000, noon)).toBe('in a moment');
  expect(distance(noon - 5 * 60_000, noon)).toBe('5 minutes ago');
  expect(distance(noon + 4 * 3_600_000, noon)).toBe('in 4 hours');
  expect(distance(noon - 24 * 3_600_000, noon)).toBe('yesterday');
});

test('a duration is told with what matters of it', () => {
  expect(duration(766)).toBe('0.8 s');
  expect(duration(12_400)).toBe('12 s');
  expect(duration(200_000)).toBe('3 min 20 s');
  expect(duration(7_260_000)).toBe('2 h 1 min');
});

test('the title is in UTC to the second', () => {
  expect(inUtc(noon)).toBe('2026-11-23 12:00:00 UTC');
});
