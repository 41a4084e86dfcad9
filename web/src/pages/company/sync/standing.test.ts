import { expect, test } from 'vitest';
import type { RunFragment } from '../../../gql/graphql.ts';
import { isOfClock, standing, written } from './standing.ts';

const run = (status: RunFragment['status']) => ({ status, counts: [] }) as unknown as RunFragment;
const tenant = (status: 'CONSENT_PENDING' | 'CONNECTED' | 'RECONNECT_NEEDED' | 'DISCONNECTED') =>
  ({ status }) as Parameters<typeof standing>[0];

test('a company without a tenant is not connected', () => {
  expect(standing(null, null)).toBe('not-connected');
});

test('a run under way is shown before the tenant has been asked for again', () => {
  expect(standing(null, run('QUEUED'))).toBe('queued');
  expect(standing(tenant('CONSENT_PENDING'), run('RUNNING'))).toBe('running');
  expect(standing(tenant('CONNECTED'), run('WAITING'))).toBe('waiting');
});

test('a tenant that refuses us is told of before its last run', () => {
  expect(standing(tenant('RECONNECT_NEEDED'), run('FAILED'))).toBe('reconnect');
  expect(standing(tenant('DISCONNECTED'), run('SUCCEEDED'))).toBe('disconnected');
});

test('else the last run tells', () => {
  expect(standing(tenant('CONNECTED'), null)).toBe('never');
  expect(standing(tenant('CONNECTED'), run('SUCCEEDED'))).toBe('complete');
  expect(standing(tenant('CONNECTED'), run('PARTIAL'))).toBe('partial');
  expect(standing(tenant('CONNECTED'), run('CANCELLED'))).toBe('cancelled');
});

test('what a run wrote is added up over the kinds', () => {
  const counts = [
    { created: 1, updated: 2, deactivated: 3, unchanged: 9, held: 9 },
    { created: 10, updated: 0, deactivated: 0, unchanged: 0, held: 0 },
  ];
  expect(written({ counts } as unknown as RunFragment)).toBe(16);
  expect(written(null)).toBe(0);
});

test('a run stays the clock\u2019s also once somebody has joined it', () => {
  expect(isOfClock({ requestedBy: 'Schedule' })).toBe(true);
  expect(isOfClock({ requestedBy: 'Robin Sawyer' })).toBe(false);
});
