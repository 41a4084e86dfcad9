import { Link } from '../router.tsx';

export interface Tab {
  to: string;
  label: string;
  count?: number | undefined;
  current: boolean;
}

/** Tabs that are links, each with an address of its own. */
export function Tabs({ label, tabs }: { label: string; tabs: Tab[] }) {
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <Link key={tab.to} to={tab.to} className="tab" aria-current={tab.current ? 'page' : undefined}>
          {tab.label}
          {tab.count !== undefined && <span className="tab-count">{tab.count.toLocaleString('en')}</span>}
        </Link>
      ))}
    </nav>
  );
}
