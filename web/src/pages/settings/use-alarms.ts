// Alarms, live: they are asked for again whenever one opens or closes.

import { AlarmChangedDocument } from '../../gql/graphql.ts';
import { useLive, useOnNews } from '../../live/use-live.ts';

/** Tells whenever an alarm opens or closes. Only who may see how Tenantry runs is told. */
export function useOnAlarm(tell: () => void, { pause = false } = {}) {
  // After an error it begins with the newest alarm again, which may be one that was missed.
  const said = useLive(AlarmChangedDocument, {}, pause);
  useOnNews(said, tell, { firstIsKnown: true });
}
