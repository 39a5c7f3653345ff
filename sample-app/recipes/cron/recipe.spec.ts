import { expect, it } from '@jest/globals';
import { printedBy, printedOnPage } from '../../../test/support/recipe.js';

it('makes one report for each tick', async () => {
  const lines = await printedBy(() => import('./recipe.js'));
  expect(lines).toEqual([
    'tick 1: 3 replicas, 1 report, 2 skipped',
    'tick 2: 3 replicas, 1 report, 2 skipped',
    'tick 3: 3 replicas, 1 report, 2 skipped',
    '3 reports in all',
  ]);
  expect(lines).toEqual(printedOnPage('docs/recipes/cron.md', 'cron'));
});
