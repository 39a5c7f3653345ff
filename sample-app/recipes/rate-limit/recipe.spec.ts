import { expect, it } from '@jest/globals';
import { printedBy, printedOnPage } from '../../../test/support/recipe.js';

it('submits four at a time', async () => {
  const lines = await printedBy(() => import('./recipe.js'));
  expect(lines).toEqual([
    '20 invoices by 2 replicas, all at once',
    'at most 4 at a time, 0 refused',
    'eight a second on the long run: true',
  ]);
  expect(lines).toEqual(printedOnPage('docs/recipes/rate-limit.md', 'rate-limit'));
});
