import { type Excerpt, excerptOf, type Prelude, preludeOf } from './excerpt.js';
import { type Block, read } from './markdown.js';

const API = 'docs/api/';

/** What can be imported from each entry of the package: the reference has a heading for it. */
export type Exports = ReadonlyMap<string, Prelude>;

export function exportsOf(pages: readonly string[]): Exports {
  const preludes = new Map<string, Prelude>();
  for (const page of pages) {
    const from = page.replace(API, '').replace('.md', '');
    const names = [...read(page).matchAll(/^### (?:`abstract` )?([\w\\]+)/gm)].map(([, name]) =>
      name!.replaceAll('\\', ''),
    );
    const exports = new Map(names.map((name) => [name, { from, as: name }]));
    preludes.set(from, { name: from, values: new Set(), exports });
  }
  return preludes;
}

/**
 * An example of the reference, as an excerpt. It is shorter than those of other pages: it may be a clause or
 * a decorator alone, leaves out with … what is the reader's own, and everything is imported.
 */
export function exampleOf(block: Block, exports: Exports): Excerpt {
  const entry = block.file.replace(API, '').replace('.md', '');
  const preludes = [
    'imports',
    'examples',
    ...(entry === 'nestjs-locker/terminus' ? ['terminus'] : []),
  ];
  // Of a name that two entries export, that of the page counts.
  const own = exports.get(entry)!;
  return excerptOf({ ...block, text: completed(block.text) }, [
    own,
    ...exports.values(),
    ...preludes.map(preludeOf),
  ]);
}

function completed(text: string): string {
  const filled = text
    .replace(/\{ … \}/g, '{ throw undefined; }')
    .replace(/\) …( \}|$)/gm, ') { throw undefined; }$1');
  if (/^catch \((\w+)\) /.test(filled)) return `try { await issue(); } ${filled}`;
  if (/^(@\w+\(.*\)( \/\/.*)?\n?)+$/.test(filled)) {
    return `${filled}\nasync example(id: string, invoice: Invoice): Promise<void> {}`;
  }
  return filled;
}
