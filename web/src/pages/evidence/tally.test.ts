import { expect, test } from 'vitest';
import { inWords } from './tally.tsx';

test('a reason names those whom it is about as people do', () => {
  expect(inWords('There is nothing to judge: EMERGENCY is empty')).toBe(
    'There is nothing to judge: no accounts for emergencies',
  );
  expect(inWords('POLICIES with a risk condition is empty')).toBe('no policies with a risk condition');
  expect(inWords('Everybody is covered')).toBe('Everybody is covered');
});
