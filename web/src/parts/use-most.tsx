import { type ReactNode, useState } from 'react';
import { texts } from '../texts.ts';

/** The first of what is there already, and the button to see all of it; null where that is all. */
export function useMost<Item>(items: readonly Item[], most: number): [readonly Item[], ReactNode] {
  const [all, setAll] = useState(false);
  if (items.length <= most) return [items, null];
  return [
    all ? items : items.slice(0, most),
    <button key="rest" type="button" className="link small" aria-expanded={all} onClick={() => setAll(!all)}>
      {all ? texts.common.fewer : texts.record.andMore(items.length - most)}
    </button>,
  ];
}
