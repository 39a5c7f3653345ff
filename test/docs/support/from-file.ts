import { type Block, read } from './markdown.js';

/** Why a block is no excerpt of its file: its lines stand there one after the other, however far indented. */
export function problemOfExcerpt(block: Block): string | undefined {
  const file = block.notes.get('from')!;
  const wanted = trimmed(block.text.split('\n'));
  const lines = read(file).split('\n');
  for (let at = 0; at + wanted.length <= lines.length; at++) {
    const there = trimmed(lines.slice(at, at + wanted.length));
    if (there.every((line, index) => line === wanted[index])) return undefined;
  }
  const missing = wanted.find((line) => !lines.some((there) => there.trim() === line.trim()));
  const why = missing === undefined ? 'in this order' : `: it has no line "${missing}"`;
  return `${block.file}:${block.line} does not stand in ${file} ${why}`;
}

/** Without what all lines are indented by. */
function trimmed(lines: readonly string[]): string[] {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const indent = Math.min(...indents);
  return lines.map((line) => line.slice(indent));
}
