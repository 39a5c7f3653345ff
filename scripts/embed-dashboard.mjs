// Writes assets.ts of the dashboard from the files in assets/ beside it: bundlers lose files, but not modules.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const FOLDER = new URL('../lib/monitoring/dashboard/', import.meta.url);
const ASSETS = new URL('assets/', FOLDER);
const TARGET = new URL('assets.ts', FOLDER);

const TYPES = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
};

/** As a template literal, in which only these mean something. */
const literal = (text) => `\`${text.replace(/[\\`]|\$\{/g, String.raw`\$&`)}\``;

/** htm and preact in one module, as htm's package has them. */
const VENDOR = new URL('../node_modules/htm/preact/standalone.module.js', import.meta.url);
const NOTICE = '/*! htm (Apache-2.0) and Preact (MIT): see THIRD-PARTY-NOTICES.md */\n';

export function render() {
  const read = (file) => readFileSync(new URL(file, ASSETS), 'utf8');
  const files = readdirSync(ASSETS)
    .filter((file) => file.split('.').at(-1) in TYPES)
    .sort()
    .map((file) => [file, read(file)]);
  files.push(['vendor.js', `${NOTICE}${readFileSync(VENDOR, 'utf8').trim()}\n`]);
  const entries = files.map(([file, text]) => {
    const type = TYPES[file.split('.').at(-1)];
    return `  '${file}': {\n    type: '${type}',\n    text: ${literal(text)},\n  },\n`;
  });
  return [
    '// Made by scripts/embed-dashboard.mjs from the files in assets/; change those.\n\n',
    `export const pageHtml = ${literal(read('page.html'))};\n\n`,
    'export const files: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {\n',
    ...entries,
    '};\n',
  ].join('');
}

if (process.argv.includes('--write')) writeFileSync(TARGET, render());
