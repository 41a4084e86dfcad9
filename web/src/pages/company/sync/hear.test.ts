import { expect, test } from 'vitest';
import type { RunFragment } from '../../../gql/graphql.ts';
import { type Heard, hear } from './hear.ts';

const run = (id: string, status: RunFragment['status'], dryRun = false) =>
  ({ id, status, dryRun, queuedAt: `2026-11-24T0${id}:00:00Z` }) as RunFragment;

const all = (...said: (RunFragment | null)[]) => said.reduce<Heard>(hear, { run: undefined, decisions: 0 });

test('a run is followed to its end, and the next one after it', () => {
  const heard = all(null, run('1', 'QUEUED'), run('1', 'RUNNING'), run('1', 'SUCCEEDED'), run('2', 'QUEUED'));
  expect(heard).toEqual({ run: run('2', 'QUEUED'), decisions: 0 });
});

test('what is told of a run that is over is that somebody has decided', () => {
  expect(all(run('1', 'SUCCEEDED')).decisions).toBe(0);
  expect(all(run('1', 'SUCCEEDED'), run('1', 'SUCCEEDED')).decisions).toBe(1);
});

test('a decision on an earlier run does not take the place of the newest', () => {
  const heard = all(run('2', 'RUNNING'), run('1', 'SUCCEEDED'));
  expect(heard).toEqual({ run: run('2', 'RUNNING'), decisions: 1 });
});

test('a dry run says nothing of how the company stands', () => {
  const heard = all(run('1', 'SUCCEEDED'), run('2', 'SUCCEEDED', true));
  expect(heard).toEqual({ run: run('1', 'SUCCEEDED'), decisions: 0 });
});
