import { useEffect, useState } from 'react';

/** Turns true only when `value` has been true for so many milliseconds; false at once. */
export function useDelayed(value: boolean, milliseconds: number): boolean {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (!value) {
      setHeld(false);
      return;
    }
    const timer = setTimeout(() => setHeld(true), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return value && held;
}
