import type { CheckStatus, FindingKind } from '../../gql/graphql.ts';
import { words } from '../../texts/evidence.ts';

export const tones: Record<CheckStatus, string> = {
  FAIL: 'bad',
  INDETERMINATE: 'warn',
  NEEDS_REVIEW: 'accent',
  PASS: 'good',
  NOT_APPLICABLE: '',
};

/** Worst first. What could not be looked at may be anything. */
export const statuses: CheckStatus[] = ['FAIL', 'INDETERMINATE', 'NEEDS_REVIEW', 'PASS', 'NOT_APPLICABLE'];

export function StatusPill({ status }: { status: CheckStatus }) {
  return <span className={`pill ${tones[status]}`}>{words.statuses[status]}</span>;
}

const kinds: Record<FindingKind, string> = { FAILED: 'bad', EXCEPTED: '', REVIEW: 'accent', NOT_EVALUATED: 'warn' };

export function KindPill({ kind }: { kind: FindingKind }) {
  return <span className={`pill ${kinds[kind]}`}>{words.kinds[kind]}</span>;
}

const policies: Record<string, string | undefined> = {
  enabled: 'good',
  enabledForReportingButNotEnforced: 'warn',
};

/** As Microsoft says it, in words where we have some. */
export function PolicyPill({ state }: { state: string | null }) {
  if (!state) return null;
  return <span className={`pill ${policies[state] ?? ''}`}>{words.policies.states[state] ?? state}</span>;
}
