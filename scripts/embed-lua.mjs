// Writes a lua.ts from the .lua files in scripts/ beside it: bundlers lose files, but not modules.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const STORE = 'lib/stores/redis';
const PLACES = [STORE, 'lib/stores/quorum', 'lib/fencing/redis'];

const urlOf = (path) => new URL(`../${path}`, import.meta.url);

/** A line "--@include file" stands for that file. */
const read = (folder, file) =>
  readFileSync(new URL(file, folder), 'utf8').replace(/^--@include (.+)\n/gm, (_, part) =>
    read(folder, part),
  );

const camelCase = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

export function render(place = STORE) {
  const folder = urlOf(`${place}/scripts/`);
  const scripts = readdirSync(folder)
    .filter((file) => file.endsWith('.lua'))
    .sort()
    .map((file) => {
      const source = read(folder, file);
      if (/`|\$\{/.test(source))
        throw new Error(`${file} has a character that would need escaping`);
      return `export const ${camelCase(file.slice(0, -4))} = String.raw\`\n${source}\`;\n`;
    });
  return `// Made by scripts/embed-lua.mjs from the files in scripts/; change those.\n\n${scripts.join('\n')}`;
}

if (process.argv.includes('--write'))
  for (const place of PLACES) writeFileSync(urlOf(`${place}/lua.ts`), render(place));
