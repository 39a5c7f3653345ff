import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green';

/** Where the command writes, and whether somebody sits there. */
export interface Terminal {
  readonly isTTY: boolean;
  readonly rows: number;
  readonly columns: number;
  write(text: string): void;
  line(text?: string): void;
  /** What goes to stderr: it is no result. */
  note(text: string): void;
  paint(style: Style, text: string): string;
}

export function terminalOf(
  out: NodeJS.WriteStream = process.stdout,
  errors: NodeJS.WriteStream = process.stderr,
  env: NodeJS.ProcessEnv = process.env,
): Terminal {
  const isTTY = out.isTTY === true;
  const isPlain = !isTTY || Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
  return {
    isTTY,
    get rows() {
      return out.rows || 24;
    },
    get columns() {
      // Where nobody has told how large it is, it is 0.
      return out.columns || 80;
    },
    write: (text) => void out.write(text),
    line: (text = '') => void out.write(`${text}\n`),
    note: (text) => void errors.write(`${text}\n`),
    paint: (style, text) => (isPlain ? text : styleText(style, text, { validateStream: false })),
  };
}

/** Columns that are as wide as what stands in them; the last one as it is. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const;

/** A length of time in two units at most: `2m 5s`, `0.4s`. */
export function span(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1_000).toFixed(1)}s`;
  const parts: string[] = [];
  let left = ms;
  for (const [length, unit] of UNITS) {
    const count = Math.floor(left / length);
    if (count === 0 && parts.length === 0) continue;
    left -= count * length;
    if (count > 0) parts.push(`${count}${unit}`);
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}
