// Drawn here: sixteen pixels, one stroke.

import type { ReactNode } from 'react';

function Icon({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <svg
      className={`icon ${className ?? ''}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

const drawn = (paths: ReactNode) => () => <Icon>{paths}</Icon>;

export const IconCheck = drawn(<path d="M3 8.5l3.2 3.2L13 4.8" />);
export const IconCross = drawn(<path d="M4 4l8 8M12 4l-8 8" />);
export const IconClock = drawn(<path d="M8 4.5V8l2.3 1.6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z" />);
export const IconWarn = drawn(<path d="M8 6v3.2M8 11.6v.1M8 2.2l6.2 11.1H1.8z" />);
export const IconSync = drawn(
  <path d="M2.6 7A5.5 5.5 0 0 1 12.4 4.7L13.5 6M13.4 9A5.5 5.5 0 0 1 3.6 11.3L2.5 10M13.5 2.8V6h-3.2M2.5 13.2V10h3.2" />,
);
export const IconLink = drawn(
  <path d="M6.7 9.3a2.7 2.7 0 0 0 3.9 0l2.2-2.2a2.8 2.8 0 0 0-3.9-3.9l-.8.8M9.3 6.7a2.7 2.7 0 0 0-3.9 0L3.2 8.9a2.8 2.8 0 0 0 3.9 3.9l.8-.8" />,
);
export const IconHand = drawn(<path d="M5 3v10M11 3v10" />);
export const IconCopy = drawn(<path d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z" />);
export const IconSearch = drawn(<path d="M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6L14 14" />);
export const IconLeft = drawn(<path d="M10 3.5L5.5 8l4.5 4.5" />);
export const IconRight = drawn(<path d="M6 3.5L10.5 8 6 12.5" />);
export const IconDown = drawn(<path d="M3.5 6L8 10.5 12.5 6" />);
export const IconSun = drawn(
  <path d="M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9" />,
);
export const IconMoon = drawn(<path d="M13.3 9.4A5.6 5.6 0 0 1 6.6 2.7a5.6 5.6 0 1 0 6.7 6.7z" />);
export const IconSystem = drawn(<path d="M2 3h12v8H2zM6 13.5h4" />);
export const IconBraces = drawn(
  <path d="M6 2.5c-1.8 0-1.8 1.2-1.8 2.6S4.2 8 2.7 8c1.5 0 1.5 1.5 1.5 2.9s0 2.6 1.8 2.6M10 2.5c1.8 0 1.8 1.2 1.8 2.6S11.8 8 13.3 8c-1.5 0-1.5 1.5-1.5 2.9s0 2.6-1.8 2.6" />,
);

/** The product's mark. */
export function Mark({ size }: { size: number }) {
  return (
    <svg className="mark" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <rect width="32" height="32" rx="7" className="mark-back" />
      <path d="M8 10h16M16 10v13" className="mark-stroke" />
      <circle cx="9" cy="21" r="2.2" className="mark-dot" />
      <circle cx="23" cy="21" r="2.2" className="mark-dot" />
    </svg>
  );
}
