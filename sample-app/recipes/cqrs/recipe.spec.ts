import { expect, it } from '@jest/globals';
import { printedBy, printedOnPage } from '../../../test/support/recipe.js';

it('executes a command once', async () => {
  const lines = await printedBy(() => import('./recipe.js'));
  expect(lines).toEqual([
    '10 commands for one invoice, to 2 replicas',
    'invoice 42 is issued',
    '"issue-invoice:42" is processed',
  ]);
  expect(lines).toEqual(printedOnPage('docs/recipes/cqrs.md', 'cqrs'));
});
