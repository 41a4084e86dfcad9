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
  const [draft, setDraft] = useState(() => (drafts.has(key) ? { value: drafts.get(key) as Value } : undefined));
  // What was saved a moment ago stands there until that is known to be what is saved.
  const [settled, setSettled] = useState<{ value: Value; before: string }>();
  const known = JSON.stringify(saved);
  if (settled && settled.before !== known) setSettled(undefined);
  const kept = settled?.before === known ? settled.value : saved;
  return {
    value: draft ? draft.value : kept,
    changed: draft !== undefined,
    change: (value) => {
      drafts.set(key, value);
      setDraft({ value });
    },
    settle: () => {
      // What was changed again while it was saved is a draft still.
      if (!draft || drafts.get(key) !== draft.value) return;
      drafts.delete(key);
      setDraft(undefined);
      setSettled({ value: draft.value, before: known });
    },
  };
}
