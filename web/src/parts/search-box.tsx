import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { texts } from '../texts.ts';
import { IconSearch } from './icons.tsx';

const PAUSE = 250;

/** A search that is made when the typing pauses. The key / leads to it from anywhere on the page. */
export function SearchBox({ label, value, onSearch }: { label: string; value: string; onSearch(value: string): void }) {
  const [typed, setTyped] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const search = useEffectEvent(() => onSearch(typed.trim()));
  // What came from elsewhere, such as the browser's way back; not what is being typed here.
  useEffect(() => setTyped((now) => (now.trim() === value ? now : value)), [value]);
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(() => search(), PAUSE);
    return () => clearTimeout(timer);
  }, [typed, value]);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== '/' || target.closest('input, textarea, select, dialog') || event.ctrlKey || event.metaKey)
        return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, []);
  return (
    <label className="search">
      <IconSearch />
      <input
        ref={input}
        type="search"
        value={typed}
        placeholder={label}
        aria-label={label}
        aria-keyshortcuts="/"
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => event.key === 'Enter' && onSearch(typed.trim())}
      />
      <kbd title={texts.common.searchKey}>/</kbd>
    </label>
  );
}
