// Rows as spreadsheets take them from the clipboard. What a client's people call themselves is never a formula there.

/** What a spreadsheet would calculate, or take for the beginning of something quoted. */
const CALCULATED = /^\s*[=+\-@"＝＋－＠]/;
/** A telephone number is the one thing that begins so and is meant: digits alone calculate nothing. */
const PHONE = /^\+[\d ()]+$/;

export function asCell(text: string): string {
  const line = text.replace(/[\t\r\n]+/g, ' ');
  return CALCULATED.test(line) && !PHONE.test(line) ? `'${line}` : line;
}

export function asRows(rows: string[][]): string {
  return rows.map((row) => row.map(asCell).join('\t')).join('\n');
}
