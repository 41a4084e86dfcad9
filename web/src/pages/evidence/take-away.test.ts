import { expect, test } from 'vitest';
import { nameOf, size } from './take-away.ts';

test('the file is called what the server calls it', () => {
  expect(nameOf('attachment; filename="evidence-1-2026-11-01-2026-12-01.zip"')).toBe(
    'evidence-1-2026-11-01-2026-12-01.zip',
  );
  expect(nameOf(null)).toBeUndefined();
});

test('a size is told in the unit that a person would use', () => {
  expect(size(820)).toBe('820 bytes');
  expect(size(12_400)).toBe('12 kB');
  expect(size(3_449_000)).toBe('3.4 MB');
});
