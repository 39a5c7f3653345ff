import { readFileSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { CELLS, idOf } from './cells.mjs';

const DOCUMENT = new URL('../../docs/compatibility.md', import.meta.url);
const [BEGIN, END] = ['<!-- matrix: begin -->', '<!-- matrix: end -->'];

const HEADINGS = ['Node', 'Nest', 'ioredis', 'server', 'tests', 'result'];

/** One row for each cell; what has not run says so. */
export function tableOf(results) {
  const rows = CELLS.map((cell) => {
    const { versions = {}, tests = '', verdict = 'not run', on } = results[idOf(cell)] ?? {};
    return [
      versions.node ?? cell.node,
      versions.nest ?? cell.nest,
      versions.ioredis ?? cell.ioredis,
      versions.server ? `${cell.server.split(' ')[0]} ${versions.server}` : cell.server,
      tests,
      on ? `${verdict}, ${on}` : verdict,
    ];
  });
  const widths = HEADINGS.map((heading, i) =>
    Math.max(...[heading, ...rows.map((row) => row[i])].map((cell) => String(cell).length)),
  );
  const line = (cells) =>
    `| ${cells.map((cell, i) => String(cell).padEnd(widths[i])).join(' | ')} |`;
  return [line(HEADINGS), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join(
    '\n',
  );
}

/** Puts the table between the marks of docs/compatibility.md. */
export function writeTable(results) {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/compatibility.md has no ${BEGIN} … ${END}`);
  const measured = `As measured on ${platform()} ${arch()}:\n\n${tableOf(results)}`;
  writeFileSync(DOCUMENT, `${text.slice(0, begin)}${BEGIN}\n\n${measured}\n\n${text.slice(end)}`);
}
