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

/** A reason with the populations that it names called as people call them. The longest are found before their parts. */
export function inWords(reason: string): string {
  const names = Object.keys(words.populations).sort((a, b) => b.length - a.length);
  const said = reason.replaceAll(
    new RegExp(`\\b(?:${names.join('|')})\\b`, 'g'),
    (name) => words.populations[name] ?? name,
  );
  return said === reason ? reason : said.replace(/(^|: )([^:]*) is empty$/, '$1no $2');
}

/** Why a check says what it says, in one line. */
export function reasonOf(result: {
  reason: string | null;
  counts: CountsFragment;
  indeterminate?: { detail: string } | null;
}): string {
  const { counts } = result;
  if (result.indeterminate) return result.indeterminate.detail;
  if (result.reason) return inWords(result.reason);
  if (counts.failed > 0) return words.counts.failing(counts.failed, counts.population);
  if (counts.review > 0) return words.counts.reviewing(counts.review);
  return counts.population > 0 ? words.counts.all(counts.population) : '';
}
