// Times in the viewer's own zone; UTC on hover, for whoever compares with a log.

import { useSyncExternalStore } from 'react';

const LANGUAGE = 'en-GB';
const dayAndTime = new Intl.DateTimeFormat(LANGUAGE, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const dayOfYear = new Intl.DateTimeFormat(LANGUAGE, { day: 'numeric', month: 'short', year: 'numeric' });
const timeAlone = new Intl.DateTimeFormat(LANGUAGE, { hour: '2-digit', minute: '2-digit' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// One clock for the whole page.
let now = Date.now();
const tickers = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function watchClock(ticker: () => void) {
  tickers.add(ticker);
  ticking ??= setInterval(() => {
    now = Date.now();
    for (const tell of tickers) tell();
  }, 15_000);
  return () => {
    tickers.delete(ticker);
    if (tickers.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  };
}

export function useNow(): number {
  return useSyncExternalStore(watchClock, () => now);
}

/** Distance in words: "in 2 hours", "3 minutes ago", "just now". */
export function distance(at: number, from: number): string {
  const apart = at - from;
  const size = Math.abs(apart);
  if (size < 45_000) return apart > 0 ? 'in a moment' : 'just now';
  if (size < 55 * MINUTE) return relative.format(Math.round(apart / MINUTE), 'minute');
  if (size < 22 * HOUR) return relative.format(Math.round(apart / HOUR), 'hour');
  return relative.format(Math.round(apart / DAY), 'day');
}

/** A date and time as short as it can be told from others. */
export function absolute(at: number, from: number): string {
  const date = new Date(at);
  const today = new Date(from);
  if (date.toDateString() === today.toDateString()) return timeAlone.format(date);
  return Math.abs(at - from) < 300 * DAY ? dayAndTime.format(date) : dayOfYear.format(date);
}

/** The same in UTC, to the second. */
export function inUtc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** How long something took: "0.8 s", "12 s", "3 min 20 s". */
export function duration(milliseconds: number): string {
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment. `as` chooses between the distance from now and the time of day. */
export function Time({ at, as = 'absolute' }: { at: string; as?: 'relative' | 'absolute' }) {
  // What has just come is newer than the clock's last tick.
  const from = Math.max(useNow(), Date.now());
  const moment = Date.parse(at);
  return (
    <time dateTime={at} title={inUtc(moment)}>
      {as === 'relative' ? distance(moment, from) : absolute(moment, from)}
    </time>
  );
}
