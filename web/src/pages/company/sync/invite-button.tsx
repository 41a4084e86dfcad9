// Copies a link at which a client's administrator consents.

import { useEffect, useState } from 'react';
import { copy } from '../../../parts/copy.tsx';
import { texts } from '../../../texts.ts';
import type { Asking } from './use-asking.ts';

/** For the client's administrator, who is most likely somebody else and elsewhere. */
export function InviteButton({ asking }: { asking: Asking }) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(null), 2_500);
    return () => clearTimeout(timer);
  }, [said]);
  const make = async () => {
    const url = await asking.link();
    if (url) setSaid((await copy(url)) ? texts.sync.linkCopied : url);
  };
  return (
    <button type="button" className="button" onClick={make} title={texts.sync.linkTitle}>
      {said ?? texts.sync.copyLink}
    </button>
  );
}
