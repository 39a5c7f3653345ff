import { expect, it } from '@jest/globals';
import { printedBy, printedOnPage } from '../../../test/support/recipe.js';

it('tells a client that the invoice is busy', async () => {
  const lines = await printedBy(() => import('./recipe.js'));
  expect(lines).toEqual([
    'while it is issued: {"data":{"isBeingIssued":true}}',
    '{"data":{"issueInvoice":{"id":42,"status":"issued"}}}',
    'LOCK_BUSY: Somebody else is working on this at the moment. Try again later.',
  ]);
  expect(lines).toEqual(printedOnPage('docs/recipes/graphql.md', 'graphql'));
});
