// The clicks of the panel: a sync, and where there is nothing to sync with yet, the way to Microsoft.

import { useState } from 'react';
import { useMutation } from 'urql';
import { plainly } from '../../../errors.ts';
import { ConnectDocument, type RunFragment, SyncCompanyDocument, type SyncMode } from '../../../gql/graphql.ts';

/** What came of a click, beside the run itself. */
export type Told = { kind: 'joined'; run: RunFragment } | { kind: 'refused'; message: string };

const NEEDS_CONSENT = ['NOT_CONNECTED', 'RECONNECT_NEEDED'];

export function useAsking(companyId: string) {
  const [, sync] = useMutation(SyncCompanyDocument);
  const [, connect] = useMutation(ConnectDocument);
  const [told, setTold] = useState<Told | null>(null);
  const [asking, setAsking] = useState(false);

  /** A link at which an administrator consents; null, and told why, where there is none. */
  const link = async (returnTo: string): Promise<string | null> => {
    const { data, error } = await connect({ input: { companyId, returnTo } });
    const url = data?.connect.consentUrl;
    if (url) return url;
    setTold({ kind: 'refused', message: data?.connect.userErrors[0]?.message ?? plainly(error).text });
    return null;
  };

  const toMicrosoft = async () => {
    const url = await link(location.pathname);
    if (url) location.assign(url);
    return url !== null;
  };

  const ask = async (mode: SyncMode) => {
    const { data, error } = await sync({ input: { companyId, mode } });
    const payload = data?.syncCompany;
    const refusal = payload?.userErrors[0];
    if (refusal && NEEDS_CONSENT.includes(refusal.code)) return toMicrosoft();
    if (refusal || !payload?.syncRun) setTold({ kind: 'refused', message: refusal?.message ?? plainly(error).text });
    else setTold(payload.joined ? { kind: 'joined', run: payload.syncRun } : null);
    return false;
  };

  /** One thing at a time; it stays so while the browser leaves for Microsoft. */
  const alone = async (deed: () => Promise<boolean>) => {
    if (asking) return;
    setAsking(true);
    setTold(null);
    if (!(await deed())) setAsking(false);
  };

  return {
    told,
    asking,
    sync: (mode: SyncMode) => alone(() => ask(mode)),
    toMicrosoft: () => alone(toMicrosoft),
    link: () => link('/'),
    tell: (message: string) => setTold({ kind: 'refused', message }),
  };
}

export type Asking = ReturnType<typeof useAsking>;
