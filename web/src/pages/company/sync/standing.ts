// How a company stands with Microsoft 365, in one word: what the panel shows is chosen by it alone.

import type { CompanyQuery, RunFragment } from '../../../gql/graphql.ts';

type Company = NonNullable<CompanyQuery['company']>;

export type Standing =
  | 'not-connected'
  | 'consent-pending'
  | 'disconnected'
  | 'reconnect'
  | 'never'
  | 'queued'
  | 'running'
  | 'waiting'
  | 'complete'
  | 'partial'
  | 'failed'
  | 'cancelled';

export type Tone = 'quiet' | 'accent' | 'good' | 'warn' | 'bad';

export function isActive(run: Pick<RunFragment, 'status'> | null | undefined): boolean {
  return run?.status === 'QUEUED' || run?.status === 'RUNNING' || run?.status === 'WAITING';
}

/**
 * As the API names the clock where it names who asked. A run's `trigger` tells something else: it is MANUAL too where
 * somebody did not wait for a run that the clock had asked for.
 */
const CLOCK = 'Schedule';

export function isOfClock(run: Pick<RunFragment, 'requestedBy'>): boolean {
  return run.requestedBy === CLOCK;
}

/** A run that is under way counts more than what the tenant was when the page was loaded. */
export function standing(tenant: Company['tenant'], run: RunFragment | null): Standing {
  if (run?.status === 'QUEUED') return 'queued';
  if (run?.status === 'RUNNING') return 'running';
  if (run?.status === 'WAITING') return 'waiting';
  if (!tenant) return 'not-connected';
  if (tenant.status === 'CONSENT_PENDING') return 'consent-pending';
  if (tenant.status === 'RECONNECT_NEEDED') return 'reconnect';
  if (tenant.status === 'DISCONNECTED') return 'disconnected';
  if (!run) return 'never';
  if (run.status === 'SUCCEEDED') return 'complete';
  if (run.status === 'PARTIAL') return 'partial';
  return run.status === 'FAILED' ? 'failed' : 'cancelled';
}

const tones: Record<Standing, Tone> = {
  'not-connected': 'quiet',
  'consent-pending': 'accent',
  disconnected: 'quiet',
  reconnect: 'bad',
  never: 'quiet',
  queued: 'accent',
  running: 'accent',
  waiting: 'accent',
  complete: 'good',
  partial: 'warn',
  failed: 'bad',
  cancelled: 'quiet',
};

export function toneOf(how: Standing): Tone {
  return tones[how];
}

/** What a run has written so far: when it grows, lists are out of date. */
export function written(run: RunFragment | null): number {
  return (run?.counts ?? []).reduce((sum, count) => sum + count.created + count.updated + count.deactivated, 0);
}
