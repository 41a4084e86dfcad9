import { useQuery } from 'urql';
import { CompanyNamesDocument } from '../../gql/graphql.ts';

/** What companies are called; one that is gone, or hidden, by its id. */
export function useCompanyNames(of: (string | null)[]): (id: string) => string {
  const ids = [...new Set(of.filter((id) => id !== null))].slice(0, 100);
  const [{ data }] = useQuery({ query: CompanyNamesDocument, variables: { ids }, pause: ids.length === 0 });
  return (id) => {
    const found = data?.nodes.find((node) => node?.__typename === 'Company' && node.id === id);
    return found?.__typename === 'Company' ? found.name : id;
  };
}
