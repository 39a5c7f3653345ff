import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

/**
 * Puts text between the markers of a page, formatted as the page is; what it is about names them.
 *
 * @type {typeof import('./write-into.d.mts').writeInto}
 */
export async function writeInto(page, what, text) {
  const [begin, end] = [`<!-- ${what}: begin -->`, `<!-- ${what}: end -->`];
  const old = readFileSync(page, 'utf8');
  const [from, to] = [old.indexOf(begin), old.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page.pathname} has no ${begin} … ${end}`);
  const written = `${old.slice(0, from)}${begin}\n\n${text}\n\n${old.slice(to)}`;
  const config = await resolveConfig(fileURLToPath(page));
  writeFileSync(page, await format(written, { ...config, parser: 'markdown' }));
}
