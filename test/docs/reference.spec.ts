import { describe, expect, it } from '@jest/globals';
import { compile } from './support/compile.js';
import { exampleOf, exportsOf } from './support/example.js';
import { blocksOf, PAGES, ROOT } from './support/markdown.js';

const pages = PAGES.filter((page) => page.startsWith('docs/api/nestjs-locker'));
const blocks = pages.flatMap(blocksOf).filter(({ language }) => language === 'ts');
const exports = exportsOf(pages);
const examples = blocks.map((block) => exampleOf(block, exports));
const { problems } = compile(examples, `${ROOT}test/docs/.examples`, { emits: false });

describe('the examples of the reference', () => {
  it('are there', () => expect(examples.length).toBeGreaterThan(250));

  it.each(
    examples.map((example) => [`${example.block.file}:${example.block.line}`, example] as const),
  )('%s compiles', (_, example) => expect(problems.get(example)).toEqual([]));
});
