import { expect, it } from '@jest/globals';
import { printedBy, printedOnPage } from '../../../test/support/recipe.js';

it('packs for one customer at a time', async () => {
  const lines = await printedBy(() => import('./recipe.js'));
  expect(lines).toEqual([
    '15 jobs of 3 customers, 2 replicas with 4 jobs at a time',
    'one of the replicas is closed meanwhile',
    'packed: 15, different parcels: 15',
    'two of one customer at the same time: 0',
    'customers at the same time: several',
    'failed: 0',
  ]);
  expect(lines).toEqual(printedOnPage('docs/recipes/bullmq.md', 'bullmq'));
});
