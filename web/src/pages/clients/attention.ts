// What of a client wants a person, if anything. What the worst is, the API says, by which clients are ordered as well; here
// it gets words, a reason and a moment.

import type { AlarmFactsFragment, ClientFragment } from '../../gql/graphql.ts';
import { texts } from '../../texts.ts';
import { isActive } from '../company/sync/standing.ts';

export type Kind =
  | 'reconnect'
  | 'failing'
  | 'stale'
  | 'held'
  | 'evidence'
  | 'partial'
  | 'cancelled'
  | 'disconnected'
  | 'consent-pending'
  | 'not-connected'
  | 'never'
  | 'syncing'
  | 'fine';

export interface Attention {
  kind: Kind;
  why: string;
  /** Since when it is so; null where nothing tells. */
  since: string | null;
}

const tones: Record<Kind, string> = {
  reconnect: 'bad',
  failing: 'bad',
  stale: 'bad',
  held: 'warn',
  evidence: 'warn',
  partial: 'warn',
  cancelled: '',
  disconnected: '',
  'consent-pending': 'accent',
  'not-connected': '',
  never: '',
  syncing: 'accent',
  fine: 'good',
};

export function toneOf(kind: Kind): string {
  return tones[kind];
}

/** When the client was last brought up to date as a whole. */
export function upToDateAt(client: ClientFragment): string | null {
  return client.lastComplete.edges[0]?.node.finishedAt ?? null;
}

/** What is said of a client. Its open alarms know since when, and what its evidence says. */
export function attention(client: ClientFragment, alarms: AlarmFactsFragment[]): Attention {
  const alarmed = (kind: AlarmFactsFragment['kind']) =>
    alarms.find((alarm) => alarm.company?.id === client.id && alarm.kind === kind);
  const [newest, before] = client.recentRuns.edges.map(({ node }) => node);
  // A run that is under way has yet to show that what failed before it is over. There is one at a time.
  const run = isActive(newest) ? before : newest;
  const upToDate = upToDateAt(client);
  const say = texts.clients.why;
  switch (client.attention) {
    case 'RECONNECT_NEEDED': {
      const since = alarmed('RECONNECT_NEEDED')?.since ?? run?.finishedAt ?? upToDate;
      return { kind: 'reconnect', why: client.tenant?.statusReason ?? say.reconnect, since };
    }
    case 'FAILING': {
      const alarm = alarmed('RUN_FAILING');
      const failed = run?.status === 'FAILED' ? (run.failure?.message ?? run.message) : alarm?.message;
      return { kind: 'failing', why: failed ?? say.failing, since: alarm?.since ?? run?.finishedAt ?? null };
    }
    case 'OUT_OF_DATE':
      return { kind: 'stale', why: say.stale, since: upToDate ?? client.tenant?.connectedAt ?? null };
    case 'CHANGES_HELD': {
      const held = client.holding.edges.map(({ node }) => node);
      const count = held.reduce((sum, { heldChanges }) => sum + heldChanges.totalCount, 0);
      const since = alarmed('CHANGES_HELD')?.since ?? held.at(-1)?.finishedAt ?? null;
      return { kind: 'held', why: say.held(count), since };
    }
    case 'EVIDENCE_TURNED_BAD': {
      const alarm = alarmed('EVIDENCE_TURNED_BAD');
      return { kind: 'evidence', why: alarm?.message ?? say.evidence, since: alarm?.since ?? null };
    }
    case 'PARTLY_SYNCED':
      return { kind: 'partial', why: run?.failure?.message ?? run?.message ?? '', since: run?.finishedAt ?? null };
    default:
      return client.tenant?.status === 'CONNECTED' ? atWork(client) : apart(client);
  }
}

/** Of one that is connected, and wants nobody. */
function atWork(client: ClientFragment): Attention {
  const run = client.recentRuns.edges[0]?.node;
  if (!run) return { kind: 'never', why: texts.clients.why.never, since: client.tenant?.connectedAt ?? null };
  if (isActive(run)) return { kind: 'syncing', why: run.message, since: null };
  return { kind: run.status === 'CANCELLED' ? 'cancelled' : 'fine', why: run.message, since: run.finishedAt };
}

/** Of one that is not connected. */
function apart(client: ClientFragment): Attention {
  const { tenant } = client;
  const say = texts.clients.why;
  if (!tenant) return { kind: 'not-connected', why: say.notConnected, since: null };
  return tenant.status === 'CONSENT_PENDING'
    ? { kind: 'consent-pending', why: tenant.statusReason ?? say.consentPending, since: null }
    : { kind: 'disconnected', why: tenant.statusReason ?? say.disconnected, since: upToDateAt(client) };
}
