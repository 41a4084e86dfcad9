// What came of a click where that is more than the run itself: why it was refused, or a link that was not copied.

import { useId } from 'react';
import { texts } from '../../../texts.ts';
import type { Told } from './use-asking.ts';

export function Notice({ told }: { told: Told | null }) {
  const field = useId();
  if (told?.kind === 'refused')
    return (
      <p className="notice bad" role="alert">
        {told.message}
      </p>
    );
  if (told?.kind !== 'link') return null;
  return (
    <div className="notice link-notice">
      <label htmlFor={field}>{texts.sync.linkByHand}</label>
      <input
        id={field}
        className="field mono"
        readOnly
        value={told.url}
        onFocus={(event) => event.target.select()}
        ref={(input) => input?.focus()}
      />
    </div>
  );
}
