import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { files, pageHtml } from './assets.js';

const root = new URL('../../../', import.meta.url);

it('is what scripts/embed-dashboard.mjs makes of the files in assets/', async () => {
  const embed = (await import(new URL('scripts/embed-dashboard.mjs', root).href)) as {
    render(): string;
  };
  expect(readFileSync(new URL('assets.ts', import.meta.url), 'utf8')).toBe(embed.render());
});

it('embeds the files as they are', async () => {
  const read = (file: string): string =>
    readFileSync(new URL(`assets/${file}`, import.meta.url), 'utf8');
  expect(pageHtml).toBe(read('page.html'));
  expect(files['parts.js']!.text).toBe(read('parts.js'));
});
