// Writes lib/stores/redis/lua.ts from the .lua files beside it: bundlers lose files, but not modules.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('../lib/stores/redis/scripts/', import.meta.url);
const target = new URL('../lib/stores/redis/lua.ts', import.meta.url);

/** A line "--@include file" stands for that file. */
const read = (file) =>
  readFileSync(new URL(file, folder), 'utf8').replace(/^--@include (.+)\n/gm, (_, part) =>
    read(part),
  );

const camelCase = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

export function render() {
  const scripts = readdirSync(folder)
    .filter((file) => file.endsWith('.lua'))
    .sort()
    .map((file) => {
      const source = read(file);
      if (/`|\$\{/.test(source))
        throw new Error(`${file} has a character that would need escaping`);
      return `export const ${camelCase(file.slice(0, -4))} = String.raw\`\n${source}\`;\n`;
    });
  return `// Made by scripts/embed-lua.mjs from the files in scripts/; change those.\n\n${scripts.join('\n')}`;
}

if (process.argv.includes('--write')) writeFileSync(target, render());
