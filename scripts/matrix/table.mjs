import { arch, platform } from 'node:os';
import { writeInto } from '../write-into.mjs';
import { CELLS, idOf } from './cells.mjs';

const DOCUMENT = new URL('../../docs/compatibility.md', import.meta.url);

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

/** Puts the table into docs/compatibility.md. */
export const writeTable = (results) =>
  writeInto(DOCUMENT, 'matrix', `As measured on ${platform()} ${arch()}:\n\n${tableOf(results)}`);
