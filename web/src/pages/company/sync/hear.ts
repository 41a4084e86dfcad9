// What is made of what is told of a company's runs, one after the other.

import type { RunFragment } from '../../../gql/graphql.ts';
import { isActive } from './standing.ts';

export interface Heard {
  /** The run under way, else the newest; undefined while nothing was told. */
  run: RunFragment | null | undefined;
  /** How often something was told of a run that was over already: then what it held was decided. */
  decisions: number;
}

export function hear(heard: Heard, said: RunFragment | null): Heard {
  // A dry run writes nothing, and says nothing of how the company stands.
  if (said?.dryRun) return heard;
  const { run, decisions } = heard;
  if (!said || !run) return { run: said, decisions };
  const isEarlier = Date.parse(said.queuedAt) < Date.parse(run.queuedAt);
  const isDecision = isEarlier || (said.id === run.id && !isActive(run));
  return { run: isEarlier ? run : said, decisions: decisions + (isDecision ? 1 : 0) };
}
