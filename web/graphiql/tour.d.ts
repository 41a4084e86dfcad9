/** The prepared operations of GraphiQL. */
export const tour: { query: string; variables?: string }[];
