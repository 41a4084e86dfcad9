interface Ids {
  companyId?: string;
  syncRunId?: string;
}

interface Found {
  companies: { edges: { node: { id: string; syncRuns: { edges: { node: { id: string } }[] } } }[] };
}

export const idsQuery: string;
export function idsOf(found: Found): Ids;
/** The prepared operations of GraphiQL. */
export function tabsOf(ids: Ids): { query: string; variables?: string }[];
