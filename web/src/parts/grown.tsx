// Rows of a list that grows where one looks: what is there, and behind it a page more each time it is asked for.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type MouseEvent, type ReactNode, useState } from 'react';
import type { AnyVariables } from 'urql';
import { texts } from '../texts.ts';
import { Skeleton } from './skeleton.tsx';
import { Failed } from './states.tsx';
import { useAsked } from './use-asked.ts';

export interface Connection<Node> {
  edges: { node: Node }[];
  pageInfo: { hasNextPage: boolean; endCursor?: string | null };
}

/** What a page is asked with, beside the cursor. */
export interface Question<Data, Variables, Node> {
  query: TypedDocumentNode<Data, Variables & { after?: string | null | undefined }>;
  variables: Variables;
  of(data: Data): Connection<Node> | null | undefined;
}

interface Props<Data, Variables extends AnyVariables, Node> extends Question<Data, Variables, Node> {
  /** The first page, where that came with something else; null where it is asked for as the others are. */
  first: Connection<Node> | null;
  /** A list item with a key of its own. */
  row(node: Node): ReactNode;
}

/** Stands in a list. What is listed is told apart by the `key` that it is given there. */
export function Grown<Data, Variables extends AnyVariables, Node>(props: Props<Data, Variables, Node>) {
  const { first, row, ...question } = props;
  const [more, setMore] = useState<string[]>([]);
  const pages = first ? more : [undefined, ...more];
  const wayOn = (isLast: boolean) => (isLast ? (after: string) => setMore([...more, after]) : undefined);
  return (
    <>
      {first && <Rows connection={first} row={row} onMore={wayOn(pages.length === 0)} />}
      {pages.map((after, index) => (
        <Page
          key={after ?? ''}
          question={question}
          after={after}
          row={row}
          onMore={wayOn(index === pages.length - 1)}
        />
      ))}
    </>
  );
}

interface PageProps<Data, Variables, Node> {
  question: Question<Data, Variables, Node>;
  after: string | undefined;
  row(node: Node): ReactNode;
  onMore: ((after: string) => void) | undefined;
}

function Page<Data, Variables extends AnyVariables, Node>(props: PageProps<Data, Variables, Node>) {
  const { question, after, row, onMore } = props;
  const { data, error, retry } = useAsked(question.query, { ...question.variables, after });
  const connection = data === undefined ? undefined : question.of(data);
  if (error)
    return (
      <li>
        <Failed error={error} retry={retry} />
      </li>
    );
  if (connection) return <Rows connection={connection} row={row} onMore={onMore} />;
  return data ? null : (
    <li aria-busy="true">
      <Skeleton className="skeleton-card" />
    </li>
  );
}

interface RowsProps<Node> extends Pick<PageProps<unknown, unknown, Node>, 'row' | 'onMore'> {
  connection: Connection<Node>;
}

function Rows<Node>({ connection, row, onMore }: RowsProps<Node>) {
  const { hasNextPage, endCursor } = connection.pageInfo;
  return (
    <>
      {connection.edges.map(({ node }) => row(node))}
      {onMore && hasNextPage && endCursor && (
        <li>
          <button
            type="button"
            className="button small-button"
            onClick={(event) => {
              stepBack(event);
              onMore(endCursor);
            }}
          >
            {texts.common.more}
          </button>
        </li>
      )}
    </>
  );
}

/** The button goes with its click. A keyboard that stands on it goes to the last row before what comes. */
function stepBack({ currentTarget: button }: MouseEvent<HTMLElement>) {
  const row = button.closest('li')?.previousElementSibling;
  if (document.activeElement !== button || !(row instanceof HTMLElement)) return;
  const own = row.querySelector<HTMLElement>('button, a');
  if (!own) row.tabIndex = -1;
  (own ?? row).focus({ preventScroll: true });
}
