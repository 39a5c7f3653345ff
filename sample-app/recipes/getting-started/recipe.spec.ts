import { expect, it } from '@jest/globals';
import { printedBy, printedOnPage } from '../../../test/support/recipe.js';

it('issues an invoice for one caller after the other', async () => {
  const lines = await printedBy(() => import('./recipe.js'));
  expect(lines).toEqual([
    'held: invoice:42',
    'answers while the first works: 0',
    '201 Invoice 42 is issued.',
    '201 Invoice 42 is issued.',
  ]);
  expect(lines).toEqual(printedOnPage('docs/getting-started.md', 'getting-started'));
});
