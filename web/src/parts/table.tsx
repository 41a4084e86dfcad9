// The table that all lists are shown in: dense, sorted by the server, turned by keyset, and worked with by keyboard.
//
// Up and down go from row to row, Home and End to the first and the last, Page Up and Page Down turn the page, Enter
// opens, c copies.

import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { type PageInfo, type Paging, useWayBack } from '../paging.ts';
import { texts } from '../texts.ts';
import { copy } from './copy.tsx';
import { IconDown, IconLeft, IconRight } from './icons.tsx';
import { Skeleton } from './skeleton.tsx';

export interface Column<Row, Sort extends string = never> {
  key: string;
  title: string;
  cell(row: Row): ReactNode;
  /** Its plain text, for copying. */
  text(row: Row): string;
  /** The name by which the server sorts by it; without one it cannot be sorted by. */
  sort?: Sort;
  /** Below this width the column is left out: the record shows it, or where there is none to open, the first cell. */
  hideBelow?: 'medium' | 'wide';
  align?: 'end';
  /** A class for the cells, such as `mono`. */
  className?: string;
}

export interface Order<Sort extends string> {
  field: Sort;
  direction: 'ASC' | 'DESC';
}

export interface TableProps<Row, Sort extends string> {
  label: string;
  columns: Column<Row, Sort>[];
  /** None yet: skeletons stand in for them. */
  rows: Row[] | undefined;
  rowKey(row: Row): string;
  /** What is said instead of rows where there are none. */
  empty: ReactNode;
  /** Whether newer rows than those shown are on their way. */
  busy?: boolean;
  order?: Order<Sort>;
  onOrder?(order: Order<Sort>): void;
  onOpen?(row: Row): void;
  /** What c copies of a row. */
  copyOf?(row: Row): string;
  /** A class for a row, such as `fresh`. */
  rowClass?(row: Row): string | undefined;
  /** So many rows are held free while the first page is loading. */
  size?: number;
  pager?: ReactNode;
  /** Whether there is such a page to turn to. */
  onTurn?(direction: 'next' | 'previous'): boolean;
}

export function Table<Row, Sort extends string = never>(props: TableProps<Row, Sort>) {
  const { columns, rows, rowKey, busy, onOpen } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const turned = useRef(false);
  const [told, setTold] = useTold();

  useEffect(() => {
    // After the page was turned by keyboard, the keyboard goes on at its first row, unless it has gone elsewhere.
    if (!turned.current || busy || !rows) return;
    turned.current = false;
    const now = document.activeElement;
    if (now === document.body || body.current?.contains(now)) openers(body.current)[0]?.focus();
  }, [rows, busy]);

  const put = async (text: string) => setTold((await copy(text)) ? texts.common.copied : texts.common.notCopied);
  const key = (event: KeyboardEvent<HTMLTableSectionElement>) => {
    const all = openers(body.current);
    const at = all.indexOf(event.target as HTMLElement);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const go = (to: number) => {
      event.preventDefault();
      all[Math.max(0, Math.min(all.length - 1, to))]?.focus();
    };
    const turn = (direction: 'next' | 'previous') => {
      if (!props.onTurn) return;
      event.preventDefault();
      turned.current = props.onTurn(direction);
    };
    if (event.key === 'ArrowDown') go(at + 1);
    else if (event.key === 'ArrowUp') go(at - 1);
    else if (event.key === 'Home') go(0);
    else if (event.key === 'End') go(all.length - 1);
    else if (event.key === 'PageDown') turn('next');
    else if (event.key === 'PageUp') turn('previous');
    else if (event.key === 'c' && props.copyOf) {
      const row = rows?.[at];
      if (row) void put(props.copyOf(row));
    }
  };

  if (rows?.length === 0 && !busy)
    return (
      <div className="table-frame">
        {props.empty}
        {props.pager}
      </div>
    );
  return (
    <div className="table-frame" aria-busy={busy || !rows}>
      <div className="table-scroll">
        <table className="table">
          <caption className="sr-only">{props.label}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <HeadCell key={column.key} column={column} order={props.order} onOrder={props.onOrder} />
              ))}
            </tr>
          </thead>
          <tbody ref={body} onKeyDown={key} className={busy && rows ? 'busy' : undefined}>
            {rows
              ? rows.map((row) => (
                  // The keyboard opens a row by the button in its first cell.
                  <tr
                    key={rowKey(row)}
                    className={`${onOpen ? 'opens' : ''} ${props.rowClass?.(row) ?? ''}`}
                    onClick={(event) => {
                      if (onOpen && !(event.target as HTMLElement).closest('a, button') && !isSelecting()) onOpen(row);
                    }}
                  >
                    {columns.map((column, index) => (
                      <td key={column.key} className={cellClass(column)}>
                        {index === 0 && onOpen ? (
                          <button type="button" className="row-open" onClick={() => onOpen(row)}>
                            {column.cell(row)}
                          </button>
                        ) : (
                          column.cell(row)
                        )}
                        {index === 0 && !onOpen && <LeftOut columns={columns} row={row} />}
                      </td>
                    ))}
                  </tr>
                ))
              : Array.from({ length: props.size ?? 10 }, (_, row) => (
                  <tr key={row} className="skeleton-row">
                    {columns.map((column, index) => (
                      <td key={column.key} className={cellClass(column)}>
                        <Skeleton className={`skeleton-text s${(row * 3 + index * 5) % 4}`} />
                      </td>
                    ))}
                  </tr>
                ))}
          </tbody>
        </table>
      </div>
      <span className="table-told" role="status">
        {told && <span className="pill accent">{told}</span>}
      </span>
      {/* Not below skeletons: it would move when there are more or fewer rows than of them. */}
      {rows && props.pager}
    </div>
  );
}

/** What stands in columns that are left out, where the row is all that there is to look at. */
function LeftOut<Row, Sort extends string>({ columns, row }: { columns: Column<Row, Sort>[]; row: Row }) {
  return columns.map(
    ({ key, title, cell, hideBelow }) =>
      hideBelow && (
        <span key={key} className={`left-out below-${hideBelow} small`}>
          <span className="quiet">{title}:</span> {cell(row)}
        </span>
      ),
  );
}

/** Something that is said for a moment. */
function useTold() {
  const [told, setTold] = useState<string | null>(null);
  useEffect(() => {
    if (!told) return;
    const timer = setTimeout(() => setTold(null), 1_600);
    return () => clearTimeout(timer);
  }, [told]);
  return [told, setTold] as const;
}

function openers(body: HTMLElement | null): HTMLElement[] {
  return body ? [...body.querySelectorAll<HTMLElement>('.row-open')] : [];
}

/** Whether the click ended a selection of text, which is to be copied rather than opened. */
function isSelecting(): boolean {
  return (getSelection()?.toString().length ?? 0) > 0;
}

function cellClass<Row, Sort extends string>(column: Column<Row, Sort>): string {
  const hidden = column.hideBelow ? `hide-below-${column.hideBelow}` : '';
  return [column.className ?? '', column.align === 'end' ? 'end' : '', hidden].filter(Boolean).join(' ');
}

interface HeadProps<Row, Sort extends string> {
  column: Column<Row, Sort>;
  order: Order<Sort> | undefined;
  onOrder: ((order: Order<Sort>) => void) | undefined;
}

function HeadCell<Row, Sort extends string>({ column, order, onOrder }: HeadProps<Row, Sort>) {
  const { sort } = column;
  if (!sort || !order || !onOrder)
    return (
      <th scope="col" className={cellClass(column)}>
        {column.title}
      </th>
    );
  const sorted = order.field === sort;
  const turn = () => onOrder({ field: sort, direction: sorted && order.direction === 'ASC' ? 'DESC' : 'ASC' });
  return (
    <th
      scope="col"
      className={cellClass(column)}
      aria-sort={sorted ? (order.direction === 'ASC' ? 'ascending' : 'descending') : 'none'}
    >
      <button type="button" className={`sort ${sorted ? order.direction.toLowerCase() : ''}`} onClick={turn}>
        {column.title}
        <IconDown />
      </button>
    </th>
  );
}

interface PagerProps {
  paging: Paging;
  info: PageInfo | undefined;
  shown: number;
  total: number | undefined;
  children?: ReactNode;
}

/** Where one is in a list, and the way on and back. */
export function Pager({ paging, info, shown, total, children }: PagerProps) {
  const page = info && { info, rows: shown, total };
  useWayBack(paging, page);
  if (shown === 0 && !paging.isTurned) return null;
  const offset = page && paging.offset(page);
  const range =
    offset === undefined ? texts.common.part(shown, total) : texts.common.range(offset + 1, offset + shown, total);
  return (
    <div className="pager">
      <span className="quiet" role="status">
        {range}
      </span>
      {children}
      <span className="pager-buttons">
        <button
          type="button"
          className="button small-button"
          aria-disabled={!info?.hasPreviousPage}
          onClick={() => page && paging.previous(page)}
        >
          <IconLeft />
          <span>{texts.common.previous}</span>
        </button>
        <button
          type="button"
          className="button small-button"
          aria-disabled={!info?.hasNextPage}
          onClick={() => page && paging.next(page)}
        >
          <span>{texts.common.next}</span>
          <IconRight />
        </button>
      </span>
    </div>
  );
}
