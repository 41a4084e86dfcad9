// How many objects were evaluated, and how: parts that add up to the population.

import type { CountsFragment } from '../../gql/graphql.ts';
import { words } from '../../texts/evidence.ts';
import { texts } from '../../texts.ts';

const parts = ['failed', 'notEvaluated', 'review', 'excepted', 'passed'] as const;

export function Tally({ counts }: { counts: CountsFragment }) {
  const present = parts.filter((part) => counts[part] > 0);
  return (
    <div className="tally">
      <div className="tally-bar" aria-hidden="true">
        {present.map((part) => (
          <span key={part} className={`tally-part ${part}`} style={{ flexGrow: counts[part] }} />
        ))}
      </div>
      <p className="small">
        {present.map((part, index) => (
          <span key={part}>
            {index > 0 && ' · '}
            <span className={`tally-key ${part}`} aria-hidden="true" /> {texts.common.number(counts[part])}{' '}
            {words.counts[part]}
          </span>
        ))}{' '}
        <span className="quiet">{words.counts.of(counts.population)}</span>
      </p>
    </div>
  );
}

// A source whose name is a word besides is a word wherever it stands.
const sources = Object.entries(words.resources).filter(([name]) => name.includes('_'));
const names = new Map([...Object.entries(words.populations), ...Object.entries(words.plans), ...sources]);
// The longest are found before their parts.
const known = [...names.keys()].sort((a, b) => b.length - a.length);
const NAMES = new RegExp(`\\b(?:${known.join('|')})\\b`, 'g');

/** A reason with what it names called as people call it. */
export function inWords(reason: string): string {
  const said = reason
    .replaceAll(NAMES, (name) => names.get(name) ?? name)
    .replaceAll(/(\d\d:\d\d):\d\d(\.\d+)? UTC/g, '$1 UTC');
  return said === reason ? reason : said.replace(/(^|: )([^:]*) is empty$/, '$1no $2');
}

/** Why a check says what it says, in one line. */
export function reasonOf(result: {
  reason: string | null;
  counts: CountsFragment;
  indeterminate?: { detail: string } | null;
}): string {
  const { counts } = result;
  if (result.indeterminate) return inWords(result.indeterminate.detail);
  if (result.reason) return inWords(result.reason);
  if (counts.failed > 0) return words.counts.failing(counts.failed, counts.population);
  if (counts.review > 0) return words.counts.reviewing(counts.review);
  return counts.population > 0 ? words.counts.all(counts.population) : '';
}
