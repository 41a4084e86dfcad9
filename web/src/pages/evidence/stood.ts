import type { EvidenceQuery } from '../../gql/graphql.ts';

/** The company as the evidence's own query tells of it. */
export type Known = NonNullable<EvidenceQuery['company']>;
/** How things stood at an instant. */
export type Stood = NonNullable<Known['evidence']>;
export type Result = Stood['results'][number];
