/** A row of cells, or a line across the table. */
export type Row = readonly string[] | 'line';

const INDENT = '  ';
const GAP = '   ';

/** Sets the first column to the left and all others to the right. */
export function formatTable(rows: readonly Row[]): string {
  const cells = rows.filter((row) => row !== 'line');
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const width = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1));

  const format = (row: Row): string => {
    if (row === 'line') return '─'.repeat(width);
    return row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join(GAP)
      .trimEnd();
  };
  return rows.map((row) => INDENT + format(row)).join('\n');
}
