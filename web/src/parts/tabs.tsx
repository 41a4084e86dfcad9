import { useEffect, useRef } from 'react';
import { Link } from '../router.tsx';

export interface Tab {
  to: string;
  label: string;
  count?: number | undefined;
  current: boolean;
}

/** Tabs that are links, each with an address of its own. */
export function Tabs({ label, tabs }: { label: string; tabs: Tab[] }) {
  const bar = useRef<HTMLElement>(null);
  const current = tabs.find((tab) => tab.current)?.label;
  useEffect(() => {
    // Where not all tabs fit, the one that is open is among those that are seen; the page itself does not move.
    const tab = current && bar.current?.querySelector<HTMLElement>('[aria-current]');
    if (!tab || !bar.current) return;
    const { left, right } = tab.getBoundingClientRect();
    const seen = bar.current.getBoundingClientRect();
    if (right > seen.right) bar.current.scrollLeft += right - seen.right;
    else if (left < seen.left) bar.current.scrollLeft -= seen.left - left;
  }, [current]);
  return (
    <nav className="tabs" aria-label={label} ref={bar}>
      {tabs.map((tab) => (
        <Link key={tab.to} to={tab.to} className="tab" aria-current={tab.current ? 'page' : undefined}>
          {tab.label}
          {tab.count !== undefined && <span className="tab-count">{tab.count.toLocaleString('en')}</span>}
        </Link>
      ))}
    </nav>
  );
}
