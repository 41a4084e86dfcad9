// Moments and days as the browser's own fields take them, and as addresses and the API do.

const pad = (value: number, places = 2) => String(value).padStart(places, '0');

/** For a field of date and time, in the viewer's zone. */
export function toField(at: string): string {
  const date = new Date(at);
  const day = `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** What a field of date and time says, as an instant in UTC; undefined where it says nothing that is one. */
export function fromField(value: string): string | undefined {
  return instant(value);
}

const EXACT = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/;

/**
 * An instant of an address as the API takes it; undefined where it is none. What names one exactly stays as it is, for the
 * API's instants are finer than a browser's.
 */
export function instant(value: string | null): string | undefined {
  if (!value) return undefined;
  const at = Date.parse(value);
  if (Number.isNaN(at)) return undefined;
  return EXACT.test(value) ? value : new Date(at).toISOString().replace('.000Z', 'Z');
}

/** A day in UTC, so many days from now. */
export function dayFrom(now: number, days: number): string {
  return new Date(now + days * 86_400_000).toISOString().slice(0, 10);
}

/** Whether it is a day as a field of a date gives it. */
export function isDay(value: string | null): value is string {
  return value !== null && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value));
}

/** The midnight at which a day ends, in UTC. */
export function endOf(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().replace('.000Z', 'Z');
}
