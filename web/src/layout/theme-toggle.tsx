// Light, dark, or as the system has it. `public/theme.js` applies what is chosen here before the first paint.

import { useState } from 'react';
import { IconMoon, IconSun, IconSystem } from '../parts/icons.tsx';
import { texts } from '../texts.ts';

const KEY = 'tenantry-theme';
const themes = ['system', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];
const icons = { system: IconSystem, light: IconSun, dark: IconMoon };

function current(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

function apply(theme: Theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // It holds until the page is left.
  }
}

export function ThemeToggle() {
  const [theme, setTheme] = useState(current);
  const Icon = icons[theme];
  const label = `${texts.frame.theme}: ${texts.frame.themes[theme]}`;
  const turn = () => {
    const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system';
    apply(next);
    setTheme(next);
  };
  return (
    <button type="button" className="icon-button" onClick={turn} aria-label={label} title={label}>
      <Icon />
    </button>
  );
}
