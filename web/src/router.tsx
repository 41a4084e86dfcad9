// Which page an address shows. History entries are the browser's own; nothing is kept beside the address.

import { type AnchorHTMLAttributes, type MouseEvent, useMemo, useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();

function told() {
  for (const listener of listeners) listener();
}

function listen(listener: () => void) {
  if (listeners.size === 0) addEventListener('popstate', told);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) removeEventListener('popstate', told);
  };
}

/** Goes to an address of ours; `replace` leaves no history entry, for what is typed or tidied up. */
export function navigate(to: string, { replace = false } = {}) {
  const before = location.pathname;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  told();
  // Another page begins at its top.
  if (location.pathname !== before) scrollTo(0, 0);
}

export function usePath(): string {
  return useSyncExternalStore(listen, () => location.pathname);
}

/** The address's parameters, and a way to change some of them in place; an empty value removes one. */
export function useSearch(): [URLSearchParams, (changes: Record<string, string | undefined>, push?: boolean) => void] {
  const search = useSyncExternalStore(listen, () => location.search);
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  return [parameters, changeSearch];
}

function changeSearch(changes: Record<string, string | undefined>, push = false) {
  const parameters = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) parameters.set(name, value);
    else parameters.delete(name);
  }
  const search = parameters.size > 0 ? `?${parameters}` : '';
  if (search !== location.search) navigate(location.pathname + search, { replace: !push });
}

/** What a pattern such as `/companies/:id/:tab?` finds in a path; null where it does not fit. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/').filter(Boolean);
  const given = path.split('/').filter(Boolean);
  if (given.length > wanted.length) return null;
  const found: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index];
    if (!part.startsWith(':')) {
      if (part !== value) return null;
      continue;
    }
    const name = part.replace(/^:|\?$/g, '');
    if (value === undefined) {
      if (!part.endsWith('?')) return null;
    } else {
      const decoded = decode(value);
      if (decoded === null) return null;
      found[name] = decoded;
    }
  }
  return found;
}

function decode(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string };

/** A link within the app. New tabs and the like are left to the browser. */
export function Link({ to, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !plain) return;
    event.preventDefault();
    navigate(to);
  };
  return <a {...rest} href={to} onClick={follow} />;
}
