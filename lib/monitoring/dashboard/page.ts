import { pageHtml } from './assets.js';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);

/**
 * The page, with addresses relative to its own: it does not know under which prefix, version or proxy it is,
 * only how the path it was asked for ends.
 *
 * @param url as the request has it
 */
export function renderPage(url: string, title: string): string {
  const path = url.split('?', 1)[0]!;
  const last = path.slice(path.lastIndexOf('/') + 1);
  const base = last === '' ? './' : `./${last}/`;
  return pageHtml
    .replaceAll('{{base}}', () => escapeHtml(base))
    .replaceAll('{{title}}', () => escapeHtml(title === '' ? 'Locks' : `${title} · Locks`));
}
