import { expect, it } from '@jest/globals';
import { printedBy, printedOnPage } from '../../../test/support/recipe.js';

it('transfers without a deadlock, and refuses what comes too late', async () => {
  const lines = await printedBy(() => import('./recipe.js'));
  expect(lines).toEqual([
    '30 transfers by 2 replicas between 3 accounts',
    'two at one account at the same time: 0',
    'cents in all: 30000',
    'a late transfer is refused: StaleFencingTokenError',
    'cents in all: 30000',
  ]);
  expect(lines).toEqual(printedOnPage('docs/recipes/transfer.md', 'transfer'));
});
