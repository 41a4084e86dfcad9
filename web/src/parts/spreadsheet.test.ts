import { expect, test } from 'vitest';
import { asCell, asRows } from './spreadsheet.ts';

test('what would be a formula is text', () => {
  for (const name of [
    '=HYPERLINK("http://evil.example","Pay")',
    '+cmd|x',
    '-1+1',
    '@SUM(A1)',
    ' =1',
    '\t=1',
    '"=1"',
    '＝1',
  ])
    expect(asCell(name).startsWith("'"), name).toBe(true);
});

test('names and telephone numbers are left as they are', () => {
  for (const text of ['Anna Archer', '+49 (89) 1234 567', '', 'a=b', 'x@y.example']) expect(asCell(text)).toBe(text);
});

test('a cell stays one cell, and a row one row', () => {
  expect(
    asRows([
      ['Name', 'Mail'],
      ['Two\r\nlines', 'a\tb'],
    ]),
  ).toBe('Name\tMail\nTwo lines\ta b');
});
