// What somebody has changed and not saved yet. It is kept while they look at something else, and lost only with the page.

import { useState } from 'react';

const drafts = new Map<string, unknown>();

export interface Draft<Value> {
  value: Value;
  /** Whether it is something else than what is saved. */
  changed: boolean;
  change(value: Value): void;
  /** It is saved. */
  settle(): void;
}

/** `key` says whose draft of what it is. */
export function useDraft<Value>(key: string, saved: Value): Draft<Value> {
  const [value, setValue] = useState(() => (drafts.has(key) ? (drafts.get(key) as Value) : saved));
  const [changed, setChanged] = useState(() => drafts.has(key));
  return {
    value,
    changed,
    change: (next) => {
      drafts.set(key, next);
      setValue(next);
      setChanged(true);
    },
    settle: () => {
      drafts.delete(key);
      setChanged(false);
    },
  };
}
