import { expect, test } from 'vitest';
import type { AlarmFactsFragment, ClientFragment } from '../../gql/graphql.ts';
import { attention, STALE_AFTER } from './attention.ts';

const now = Date.parse('2026-11-20T12:00:00Z');
const hoursAgo = (hours: number) => new Date(now - hours * 3_600_000).toISOString();

interface Told {
  status?: NonNullable<ClientFragment['tenant']>['status'];
  run?: Status;
  upToDate?: string | null;
  held?: number;
  /** A newer run, which is under way. */
  active?: Status;
}

type Status = ClientFragment['recentRuns']['edges'][number]['node']['status'];

function client(name: string, facts: Told) {
  const { status = 'CONNECTED', run = 'SUCCEEDED', upToDate = hoursAgo(2), held = 0, active } = facts;
  const finishedAt = hoursAgo(2);
  return {
    id: name,
    name,
    tenant: { status, statusReason: null, domain: null, connectedAt: hoursAgo(1_000) },
    lastComplete: { edges: upToDate ? [{ node: { id: name, finishedAt: upToDate } }] : [] },
    recentRuns: {
      edges: [active, run]
        .filter((one) => one !== undefined)
        .map((one) => ({ node: { id: one, status: one, message: `It says ${one}`, finishedAt, failure: null } })),
    },
    holding: { edges: held > 0 ? [{ node: { id: name, finishedAt, heldChanges: { totalCount: held } } }] : [] },
  } as unknown as ClientFragment;
}

test('of several the worst is told', () => {
  const told = (name: string, facts: Told) => attention(client(name, facts), [], now).kind;
  expect(told('a broken one', { status: 'RECONNECT_NEEDED', run: 'FAILED', held: 12 })).toBe('reconnect');
  expect(told('a failing one', { run: 'FAILED', upToDate: hoursAgo(48), held: 12 })).toBe('failing');
  expect(told('a stale one', { upToDate: hoursAgo(48), held: 12 })).toBe('stale');
  expect(told('a held one', { held: 12 })).toBe('held');
  expect(told('a fine one', {})).toBe('fine');
});

test('a client that nobody has connected is no alarm', () => {
  const alone = { ...client('alone', {}), tenant: null };
  expect(attention(alone, [], now).kind).toBe('not-connected');
});

test('why is told in words, and since when', () => {
  expect(attention(client('held', { held: 12 }), [], now)).toEqual({
    kind: 'held',
    why: '12 deactivations wait for somebody to decide.',
    since: hoursAgo(2),
  });
  expect(attention(client('stale', { upToDate: hoursAgo(30) }), [], now).since).toBe(hoursAgo(30));
});

test('a client is out of date when the order of the API has it so, and a sync that went through in part counts', () => {
  const late = hoursAgo(STALE_AFTER + 0.1);
  expect(attention(client('in time', { upToDate: hoursAgo(STALE_AFTER - 0.1) }), [], now).kind).toBe('fine');
  expect(attention(client('late', { upToDate: late }), [], now)).toMatchObject({
    kind: 'stale',
    why: 'No sync has gone through for more than 12 hours.',
  });
  expect(attention(client('in part', { run: 'PARTIAL', upToDate: late }), [], now).kind).toBe('partial');
});

test('a sync under way does not hide that the client is out of date, or that the one before it failed', () => {
  expect(attention(client('late', { active: 'RUNNING', upToDate: hoursAgo(30) }), [], now).kind).toBe('stale');
  expect(attention(client('broken', { active: 'QUEUED', run: 'FAILED' }), [], now)).toMatchObject({
    kind: 'failing',
    why: 'It says FAILED',
  });
  expect(attention(client('half', { active: 'WAITING', run: 'PARTIAL' }), [], now).kind).toBe('partial');
  expect(attention(client('busy', { active: 'RUNNING' }), [], now).kind).toBe('syncing');
});

test('evidence that turned bad counts more than a sync that went well, and less than one that failed', () => {
  const alarm = (name: string, kind: AlarmFactsFragment['kind']) =>
    ({ kind, message: 'It says so', since: hoursAgo(5), company: { id: name, name } }) as AlarmFactsFragment;
  const alarms = [alarm('one', 'EVIDENCE_TURNED_BAD'), alarm('one', 'RUN_FAILING')];
  expect(attention(client('one', {}), alarms, now)).toEqual({
    kind: 'evidence',
    why: 'It says so',
    since: hoursAgo(5),
  });
  expect(attention(client('one', { run: 'FAILED' }), alarms, now)).toMatchObject({
    kind: 'failing',
    since: hoursAgo(5),
  });
  expect(attention(client('another', {}), alarms, now).kind).toBe('fine');
});

test('of consent that is waited for it is told how the last attempt failed, where there was one', () => {
  const pending = client('pending', { status: 'CONSENT_PENDING' });
  expect(attention(pending, [], now).why).not.toContain('nobody');
  const declined = { ...pending, tenant: { ...pending.tenant, statusReason: 'It was declined.' } } as ClientFragment;
  expect(attention(declined, [], now)).toMatchObject({ kind: 'consent-pending', why: 'It was declined.' });
});
