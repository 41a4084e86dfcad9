// A change that a person asks for: one at a time, and told in words when it is refused.

import { useState } from 'react';
import type { CombinedError } from 'urql';
import { plainly } from '../../errors.ts';

interface Answer<Payload> {
  error?: CombinedError | undefined;
  payload: Payload | undefined;
}

interface Refusable {
  userErrors: { message: string }[];
}

export function useDeed() {
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);

  /** What was answered; null where it was refused, or another is under way. */
  const attempt = async <Payload extends Refusable>(deed: () => Promise<Answer<Payload>>): Promise<Payload | null> => {
    if (busy) return null;
    setBusy(true);
    setRefused(null);
    const { error, payload } = await deed();
    setBusy(false);
    const refusal = payload ? payload.userErrors[0]?.message : plainly(error).text;
    if (refusal === undefined) return payload ?? null;
    setRefused(refusal);
    return null;
  };

  return { busy, refused, attempt };
}
