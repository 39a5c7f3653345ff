import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A fenced block, with what the comments right before it say about it: `<!-- with: jobs -->`. */
export interface Block {
  readonly file: string;
  /** Of its first line of code, counted from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  readonly notes: ReadonlyMap<Note, string>;
}

/**
 * - `with`: preludes of test/docs/preludes that the block stands in, besides `base`.
 * - `from`: the file that it is an excerpt of, line by line; that file's own test runs it.
 * - `printed by`: the recipe that prints it; its own test compares.
 * - `then`: what is called when the block has run, to see that it does what the page says.
 * - `not run`: why it is compiled and no more.
 * - `not checked`: why nothing is known about it.
 */
const NOTES = ['with', 'from', 'printed by', 'then', 'not run', 'not checked'] as const;
export type Note = (typeof NOTES)[number];

/** All pages that readers are sent to, by their paths from the root. */
export const PAGES: readonly string[] = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'sample-app/README.md',
  ...readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort(),
];

export const read = (path: string): string => readFileSync(ROOT + path, 'utf8');

export function blocksOf(file: string): Block[] {
  const lines = read(file).split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fence = /^(\s*)(```+)(\S*)\s*$/.exec(lines[at]!);
    if (!fence) continue;
    const [, indent = '', ticks = '', language = ''] = fence;
    const end = lines.findIndex((line, index) => index > at && line.trim() === ticks);
    if (end < 0) throw new Error(`${file}:${at + 1}: the block has no end`);
    const text = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    blocks.push({
      file,
      line: at + 2,
      language,
      text: text.join('\n'),
      notes: notesBefore(lines, at, file),
    });
    at = end;
  }
  return blocks;
}

function notesBefore(lines: readonly string[], fence: number, file: string): Map<Note, string> {
  const notes = new Map<Note, string>();
  for (let at = fence - 1; at >= 0; at--) {
    const line = lines[at]!.trim();
    if (line === '') continue;
    const [, note, text] = /^<!-- ([a-z ]+): (.+) -->$/.exec(line) ?? [];
    if (!note || !text) break;
    if (!NOTES.includes(note as Note)) {
      throw new Error(`${file}:${at + 1}: "${note}" is none of ${NOTES.join(', ')}`);
    }
    // Several of a kind are one, in the order in which they stand there.
    const later = notes.get(note as Note);
    notes.set(note as Note, later ? `${text} ${later}` : text);
  }
  return notes;
}

/** A page without its blocks. */
export const proseOf = (file: string): string =>
  read(file).replace(/^(\s*)(```+)[\s\S]*?^\s*\2\s*$/gm, '');

const found = new Map<string, Set<string>>();

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(file: string): Set<string> {
  const known = found.get(file);
  if (known) return known;
  const text = proseOf(file);
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    anchors.add(before ? `${slug}-${before}` : slug);
  }
  for (const [, id = ''] of text.matchAll(/<a id="([^"]+)">/g)) anchors.add(id);
  found.set(file, anchors);
  return anchors;
}
