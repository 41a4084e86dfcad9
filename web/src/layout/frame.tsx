// The bar at the top and the page below it.

import { type ReactNode, useEffect, useRef } from 'react';
import { useLine } from '../client.ts';
import { Mark } from '../parts/icons.tsx';
import { useDelayed } from '../parts/use-delayed.ts';
import { Link, match, usePath } from '../router.tsx';
import { useMay, useViewer } from '../session.tsx';
import { texts } from '../texts.ts';
import { ThemeToggle } from './theme-toggle.tsx';

export function Frame({ children }: { children: ReactNode }) {
  const viewer = useViewer();
  const mayExplore = useMay('EXPLORE');
  const isStaff = viewer.kind === 'STAFF';
  const main = useMain();
  return (
    <>
      <a className="skip" href="#main">
        {texts.frame.skip}
      </a>
      <header className="topbar">
        <div className="topbar-inner">
          <Link className="brand" to="/" aria-label="Tenantry">
            <Mark size={22} />
            <span>Tenantry</span>
          </Link>
          <nav aria-label={texts.frame.navigation}>
            {isStaff && <NavLink to="/" also="/companies/:id/:tab?" label={texts.frame.clients} />}
            {isStaff && <NavLink to="/settings" also="/settings/:section?" label={texts.frame.settings} />}
            {mayExplore && (
              <a className="nav-link wide-only" href="/graphiql">
                GraphiQL
              </a>
            )}
          </nav>
          <div className="topbar-end">
            <LineState />
            <span className="who">
              <span className="who-name">{viewer.name}</span>
              <span className="who-role">{texts.roles[viewer.role]}</span>
            </span>
            <ThemeToggle />
            <form method="post" action="/auth/sign-out">
              <button type="submit" className="button quiet-button">
                {texts.session.signOut}
              </button>
            </form>
          </div>
        </div>
      </header>
      <main className="page" id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
    </>
  );
}

/** Takes the keyboard along to another page, where what it stood on is gone with the one before. */
function useMain() {
  const main = useRef<HTMLElement>(null);
  const path = usePath();
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    if (document.activeElement === document.body) main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}

function NavLink({ to, also, label }: { to: string; also?: string; label: string }) {
  const path = usePath();
  const current = path === to || (also !== undefined && match(also, path) !== null);
  return (
    <Link className="nav-link" to={to} aria-current={current ? 'page' : undefined}>
      {label}
    </Link>
  );
}

/** Tells that the line for live updates is down, once it has been for a moment. */
function LineState() {
  const lost = useDelayed(useLine() === 'lost', 1_500);
  return (
    <span role="status" className="line-state">
      {lost && <span className="pill warn">{texts.frame.reconnecting}</span>}
    </span>
  );
}
