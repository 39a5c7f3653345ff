import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { describe, expect, it } from '@jest/globals';
import { anchorsOf, PAGES, proseOf, ROOT } from './support/markdown.js';

/** Every place that a page leads to within the project, as it is written there. */
function linksOf(page: string): string[] {
  const text = proseOf(page);
  const inline = [...text.matchAll(/\]\((?:<([^>]+)>|([^)\s]+))/g)].map(([, a, b]) => a ?? b!);
  const html = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target]) => target!);
  return [...inline, ...html].filter((target) => !/^[a-z]+:/.test(target));
}

function problemOf(link: string, page: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), decodeURI(path)));
  if (!existsSync(join(ROOT, target))) return `${link}: there is no ${target}`;
  if (anchor === undefined) return undefined;
  // Its generator numbers one heading of which there is no second.
  if (page.startsWith('docs/api/') && anchor === 'lockmode-1') return undefined;
  if (!target.endsWith('.md')) return `${link}: ${target} has no headings`;
  return anchorsOf(target).has(anchor) ? undefined : `${link}: ${target} has no such heading`;
}

describe('the links of a page', () => {
  it.each(PAGES)('%s lead somewhere', (page) => {
    expect(linksOf(page).flatMap((link) => problemOf(link, page) ?? [])).toEqual([]);
  });

  it('are found', () => {
    expect(linksOf('README.md').length).toBeGreaterThan(30);
    expect(problemOf('docs/nowhere.md', 'README.md')).toMatch('no docs/nowhere.md');
    expect(problemOf('docs/jobs.md#nowhere', 'README.md')).toMatch('no such heading');
  });
});

it('every page can be reached from the README', () => {
  const reached = new Set<string>();
  const visit = (page: string): void => {
    if (reached.has(page)) return;
    reached.add(page);
    for (const link of linksOf(page)) {
      const target = normalize(join(dirname(page), link.split('#')[0]!));
      if (PAGES.includes(target)) visit(target);
    }
  };
  visit('README.md');
  expect(PAGES.filter((page) => !reached.has(page))).toEqual([]);
});
