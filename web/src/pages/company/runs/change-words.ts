// What changed in a field of a record, as people say it: the API tells names and values as they are kept.

import { texts } from '../../../texts.ts';

const fields: Record<string, string | undefined> = texts.fields;

/** What people call a field; its own name where they have none for it. */
export function fieldWords(field: string): string {
  return fields[field] ?? field;
}

const sets: Record<string, Record<string, string | undefined> | undefined> = {
  state: texts.record.states,
  deactivatedBecause: texts.record.because,
  complianceState: texts.record.compliance,
  ownerType: texts.record.owners,
  userType: texts.record.userTypes,
  kind: texts.record.groupKinds,
};
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** A value in words, or the instant that it is. */
export function valueWords(field: string, value: string | null): { text: string } | { at: string } {
  if (value === null || value === '') return { text: texts.common.nothing };
  if (value === 'true') return { text: texts.common.yes };
  if (value === 'false') return { text: texts.common.no };
  if (INSTANT.test(value)) return { at: value };
  return { text: sets[field]?.[value] ?? value };
}
