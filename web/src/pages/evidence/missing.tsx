// What could not be looked at, and what was last said when it could.

import { distance, Time } from '../../parts/time.tsx';
import { words } from '../../texts/evidence.ts';
import { StatusPill } from './pills.tsx';
import type { Result } from './stood.ts';
import { inWords } from './tally.tsx';

type Props = { result: Pick<Result, 'indeterminate' | 'lastGood' | 'reason'> };

export function Missing({ result }: Props) {
  const { indeterminate, lastGood } = result;
  return (
    <div className="notice warn missing" data-testid="missing">
      <div>
        <p>
          <strong>{words.check.could}:</strong>{' '}
          {indeterminate && (words.resources[indeterminate.resource] ?? indeterminate.resource)}
        </p>
        <p>
          {indeterminate
            ? `${words.gaps[indeterminate.gap]}: ${inWords(indeterminate.detail)}`
            : result.reason && inWords(result.reason)}
        </p>
      </div>
      {lastGood ? (
        <p>
          <strong>{words.check.lastGood}:</strong> <StatusPill status={lastGood.status} /> <Time at={lastGood.at} /> (
          {words.check.older(distance(-lastGood.ageSeconds * 1000, 0).replace(/ ago$/, ''))})
        </p>
      ) : (
        <p>{words.check.neverGood}</p>
      )}
    </div>
  );
}
