import { expect, test } from 'vitest';
import type { AlarmFactsFragment, ClientFragment } from '../../gql/graphql.ts';
import { attention } from './attention.ts';

const now = Date.parse('2026-11-20T12:00:00Z');
const hoursAgo = (hours: number) => new Date(now - hours * 3_600_000).toISOString();

type Status = ClientFragment['recentRuns']['edges'][number]['node']['status'];

interface Told {
  wants?: ClientFragment['attention'];
  status?: NonNullable<ClientFragment['tenant']>['status'];
  /** Its runs, the newest first. */
  runs?: Status[];
  held?: number;
}

function client(facts: Told) {
  const { wants = 'NOTHING', status = 'CONNECTED', runs = ['SUCCEEDED'], held = 0 } = facts;
  const finishedAt = hoursAgo(2);
  return {
    id: 'one',
    attention: wants,
    tenant: { status, statusReason: null, domain: null, connectedAt: hoursAgo(1_000) },
    lastComplete: { edges: [{ node: { id: 'good', finishedAt: hoursAgo(30) } }] },
    recentRuns: {
      edges: runs.map((run) => ({
        node: { id: run, status: run, message: `It says ${run}`, finishedAt, failure: null },
      })),
    },
    holding: { edges: held > 0 ? [{ node: { id: 'held', finishedAt, heldChanges: { totalCount: held } } }] : [] },
  } as unknown as ClientFragment;
}

const alarm = (kind: AlarmFactsFragment['kind']) =>
  ({ kind, message: `It says ${kind}`, since: hoursAgo(5), company: { id: 'one' } }) as AlarmFactsFragment;

test('what the API says wants a person is told with why and since when', () => {
  expect(attention(client({ wants: 'CHANGES_HELD', held: 12 }), [])).toEqual({
    kind: 'held',
    why: '12 deactivations wait for somebody to decide.',
    since: hoursAgo(2),
  });
  expect(attention(client({ wants: 'OUT_OF_DATE' }), [])).toMatchObject({ kind: 'stale', since: hoursAgo(30) });
  expect(attention(client({ wants: 'PARTLY_SYNCED', runs: ['PARTIAL'] }), [])).toEqual({
    kind: 'partial',
    why: 'It says PARTIAL',
    since: hoursAgo(2),
  });
  expect(attention(client({ wants: 'EVIDENCE_TURNED_BAD' }), [alarm('EVIDENCE_TURNED_BAD')])).toEqual({
    kind: 'evidence',
    why: 'It says EVIDENCE_TURNED_BAD',
    since: hoursAgo(5),
  });
});

test('a sync under way does not hide how the one before it failed', () => {
  expect(attention(client({ wants: 'FAILING', runs: ['QUEUED', 'FAILED'] }), [])).toEqual({
    kind: 'failing',
    why: 'It says FAILED',
    since: hoursAgo(2),
  });
  const evidence = attention(client({ wants: 'FAILING' }), [alarm('RUN_FAILING')]);
  expect(evidence).toEqual({ kind: 'failing', why: 'It says RUN_FAILING', since: hoursAgo(5) });
});

test('an alarm of another client is not told of this one', () => {
  const theirs = { ...alarm('RECONNECT_NEEDED'), company: { id: 'two', name: 'Two' } };
  expect(attention(client({ wants: 'RECONNECT_NEEDED' }), [theirs])).toMatchObject({ since: hoursAgo(2) });
});

test('of one that wants nobody it is told what it does', () => {
  const kind = (facts: Told) => attention(client(facts), []).kind;
  expect(kind({})).toBe('fine');
  expect(kind({ runs: ['RUNNING', 'SUCCEEDED'] })).toBe('syncing');
  expect(kind({ runs: ['CANCELLED'] })).toBe('cancelled');
  expect(kind({ runs: [] })).toBe('never');
});

test('of consent that is waited for it is told how the last attempt failed, where there was one', () => {
  const pending = client({ wants: 'NOT_CONNECTED', status: 'CONSENT_PENDING' });
  expect(attention(pending, []).why).not.toContain('nobody');
  const declined = { ...pending, tenant: { ...pending.tenant, statusReason: 'It was declined.' } } as ClientFragment;
  expect(attention(declined, [])).toMatchObject({ kind: 'consent-pending', why: 'It was declined.' });
  expect(attention({ ...pending, tenant: null }, []).kind).toBe('not-connected');
});
