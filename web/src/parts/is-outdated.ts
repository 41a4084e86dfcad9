import type { AnyVariables, Operation } from 'urql';

/** Whether what is shown answers another question than the one asked now: another page, search or order. */
export function isOutdated(operation: Operation | undefined, variables: AnyVariables): boolean {
  return JSON.stringify(operation?.variables) !== JSON.stringify(variables);
}
