// Copies a link at which a client's administrator consents.

import { useEffect, useState } from 'react';
import { copy, Swap } from '../../../parts/copy.tsx';
import { texts } from '../../../texts.ts';
import type { Asking } from './use-asking.ts';

/** For the client's administrator, who is most likely somebody else and elsewhere. */
export function InviteButton({ asking }: { asking: Asking }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2_500);
    return () => clearTimeout(timer);
  }, [copied]);
  const make = async () => {
    const url = await asking.link();
    if (!url) return;
    if (await copy(url)) setCopied(true);
    else asking.tell({ kind: 'link', url });
  };
  return (
    <button type="button" className="button" onClick={make} title={texts.sync.linkTitle}>
      <Swap shown={copied ? texts.sync.linkCopied : null}>{texts.sync.copyLink}</Swap>
    </button>
  );
}
