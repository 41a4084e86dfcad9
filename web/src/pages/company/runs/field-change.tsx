import { Time } from '../../../parts/time.tsx';
import { fieldWords, valueWords } from './change-words.ts';

/** What a field was and is. */
export function FieldChange({ field, from, to }: { field: string; from: string | null; to: string | null }) {
  return (
    <span className="field-change small">
      <span className="quiet">{fieldWords(field)}:</span>{' '}
      <del>
        <Value field={field} value={from} />
      </del>{' '}
      →{' '}
      <ins>
        <Value field={field} value={to} />
      </ins>
    </span>
  );
}

function Value({ field, value }: { field: string; value: string | null }) {
  const said = valueWords(field, value);
  return 'at' in said ? <Time at={said.at} /> : said.text;
}
