// What of a client wants a person, if anything: the worst of it, why in words, and since when.

import type { AlarmFactsFragment, ClientFragment } from '../../gql/graphql.ts';
import { texts } from '../../texts.ts';
import { isActive } from '../company/sync/standing.ts';

/** From bad to good: of several, the first is told. In which order clients come, the API alone says. */
const KINDS = [
  'reconnect',
  'failing',
  'stale',
  'held',
  'evidence',
  'partial',
  'cancelled',
  'disconnected',
  'consent-pending',
  'not-connected',
  'never',
  'syncing',
  'fine',
] as const;

export type Kind = (typeof KINDS)[number];

export interface Attention {
  kind: Kind;
  why: string;
  /** Since when it is so; null where nothing tells. */
  since: string | null;
}

const HOUR = 3_600_000;
/** In hours: so long after its last good sync a client is out of date. The API's order ATTENTION goes by the same. */
export const STALE_AFTER = 12;

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

/** The worst that there is to say of a client. Its open alarms know since when, and what its evidence says. */
export function attention(client: ClientFragment, alarms: AlarmFactsFragment[], now: number): Attention {
  const own = alarms.filter(({ company }) => company?.id === client.id);
  const facts = standing(client, now);
  const turned = own.find(({ kind }) => kind === 'EVIDENCE_TURNED_BAD');
  if (turned && KINDS.indexOf('evidence') < KINDS.indexOf(facts.kind))
    return { kind: 'evidence', why: turned.message, since: turned.since };
  const alarm = own.find(({ kind }) => kind === alarmOf[facts.kind]);
  return alarm ? { ...facts, since: alarm.since } : facts;
}

const alarmOf: Partial<Record<Kind, AlarmFactsFragment['kind']>> = {
  reconnect: 'RECONNECT_NEEDED',
  failing: 'RUN_FAILING',
  held: 'CHANGES_HELD',
};

function standing(client: ClientFragment, now: number): Attention {
  const { tenant } = client;
  const [newest, before] = client.recentRuns.edges.map(({ node }) => node);
  // A run that is under way has yet to show that what failed before it is over. There is one at a time.
  const active = isActive(newest) ? newest : undefined;
  const run = active ? before : newest;
  const upToDate = upToDateAt(client);
  const say = texts.clients.why;
  if (!tenant) return { kind: 'not-connected', why: say.notConnected, since: null };
  if (tenant.status === 'CONSENT_PENDING')
    return { kind: 'consent-pending', why: tenant.statusReason ?? say.consentPending, since: null };
  if (tenant.status === 'DISCONNECTED')
    return { kind: 'disconnected', why: tenant.statusReason ?? say.disconnected, since: upToDate };
  if (tenant.status === 'RECONNECT_NEEDED')
    return { kind: 'reconnect', why: tenant.statusReason ?? say.reconnect, since: run?.finishedAt ?? upToDate };
  if (run?.status === 'FAILED')
    return { kind: 'failing', why: run.failure?.message ?? run.message, since: run.finishedAt };
  // One that went through in part is good enough not to be out of date.
  const fresh = (run?.status === 'PARTIAL' ? run.finishedAt : upToDate) ?? tenant.connectedAt;
  if (fresh && now - Date.parse(fresh) > STALE_AFTER * HOUR)
    return { kind: 'stale', why: say.stale(STALE_AFTER), since: fresh };
  const held = client.holding.edges.map(({ node }) => node);
  if (held.length > 0) {
    const count = held.reduce((sum, { heldChanges }) => sum + heldChanges.totalCount, 0);
    return { kind: 'held', why: say.held(count), since: held.at(-1)?.finishedAt ?? null };
  }
  if (run?.status === 'PARTIAL')
    return { kind: 'partial', why: run.failure?.message ?? run.message, since: run.finishedAt };
  if (active) return { kind: 'syncing', why: active.message, since: null };
  if (!run) return { kind: 'never', why: say.never, since: tenant.connectedAt };
  if (run.status === 'CANCELLED') return { kind: 'cancelled', why: run.message, since: run.finishedAt };
  return { kind: 'fine', why: run.message, since: run.finishedAt };
}
