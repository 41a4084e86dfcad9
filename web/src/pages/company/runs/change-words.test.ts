import { expect, test } from 'vitest';
import { fieldWords, valueWords } from './change-words.ts';

test('a field that changed is called what the record calls it', () => {
  expect(fieldWords('enrolledAt')).toBe('Enrolled');
  expect(fieldWords('deactivatedBecause')).toBe('Because');
  expect(fieldWords('newToUs')).toBe('newToUs');
});

test('what it was and is are words, times are times, and what is a word already stays', () => {
  expect(valueWords('accountEnabled', 'true')).toEqual({ text: 'Yes' });
  expect(valueWords('state', 'DEACTIVATED')).toEqual({ text: 'Deactivated' });
  expect(valueWords('deactivatedBecause', 'LEFT')).toEqual({ text: 'no longer in the tenant' });
  expect(valueWords('complianceState', 'inGracePeriod')).toEqual({ text: 'In grace period' });
  expect(valueWords('complianceState', 'newToUs')).toEqual({ text: 'newToUs' });
  expect(valueWords('enrolledAt', '2025-08-12T01:13:35+00:00')).toEqual({ at: '2025-08-12T01:13:35+00:00' });
  expect(valueWords('jobTitle', 'Director')).toEqual({ text: 'Director' });
  expect(valueWords('mail', null)).toEqual({ text: '–' });
});
