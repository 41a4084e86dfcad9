import { expect, test } from 'vitest';
import { inWords } from './tally.tsx';

test('a reason names those whom it is about as people do', () => {
  expect(inWords('There is nothing to judge: EMERGENCY is empty')).toBe(
    'There is nothing to judge: no accounts for emergencies',
  );
  expect(inWords('POLICIES with a risk condition is empty')).toBe('no policies with a risk condition');
  expect(inWords('no licence of the tenant has the plan AAD_PREMIUM_P2')).toBe(
    'no licence of the tenant has the plan Entra ID P2',
  );
  expect(inWords('no earlier run has read role_assignments whole: there is nothing to compare with')).toBe(
    'no earlier run has read role assignments whole: there is nothing to compare with',
  );
  expect(inWords('no policy has changed since 2026-11-23 20:04:07.123456 UTC')).toBe(
    'no policy has changed since 2026-11-23 20:04 UTC',
  );
  expect(inWords('Everybody is covered')).toBe('Everybody is covered');
});
