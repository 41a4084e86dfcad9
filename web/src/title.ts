// What the page is called, in the browser's tab and to whoever hears it rather than sees it.

import { useEffect, useSyncExternalStore } from 'react';

const NAME = 'Tenantry';
const listeners = new Set<() => void>();
let current = '';

function set(title: string) {
  current = title;
  document.title = title ? `${title} · ${NAME}` : NAME;
  for (const listener of listeners) listener();
}

/** Names the page by its parts, the smallest first. What names itself within is given `null` here. */
export function useTitle(parts: (string | undefined)[] | null) {
  const title = parts?.filter(Boolean).join(' · ');
  useEffect(() => {
    if (title !== undefined) set(title);
  }, [title]);
}

function listen(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** What the page is called now. */
export function useTitled(): string {
  return useSyncExternalStore(listen, () => current);
}
