import type { DeactivatedBecause, RecordState } from '../../../gql/graphql.ts';
import { texts } from '../../../texts.ts';

interface Row {
  state: RecordState;
  accountEnabled?: boolean | null;
  userType?: string | null;
  deactivatedBecause?: DeactivatedBecause | null;
}

/** Whether a record is in use; and of a person, whether Microsoft lets them in. */
export function StatePill({ row }: { row: Row }) {
  if (row.state === 'DEACTIVATED')
    return (
      <span className="pill">
        {row.deactivatedBecause ? texts.record.gone[row.deactivatedBecause] : texts.record.states.DEACTIVATED}
      </span>
    );
  if (row.accountEnabled === false) return <span className="pill warn">{texts.record.disabled}</span>;
  if (row.userType?.toLowerCase() === 'guest') return <span className="pill accent">{texts.record.guest}</span>;
  return <span className="quiet">{texts.record.states.ACTIVE}</span>;
}

const tones: Record<string, string> = { compliant: 'good', noncompliant: 'bad', inGracePeriod: 'warn' };

/** As Microsoft says it, coloured where it means something. */
export function CompliancePill({ state }: { state: string | null }) {
  if (!state) return <>{texts.common.nothing}</>;
  const words = texts.record.compliance[state as keyof typeof texts.record.compliance] ?? state;
  return <span className={`pill ${tones[state] ?? ''}`}>{words}</span>;
}
