import { expect, it } from '@jest/globals';
import { printedBy, printedOnPage } from '../../../test/support/recipe.js';

it('pays once for each key', async () => {
  const lines = await printedBy(() => import('./recipe.js'));
  expect(lines).toEqual([
    '10 requests with one key, to 2 replicas: 1 payment',
    'all answered 201: true',
    'different receipts: 1',
    'the same key, another amount: 422 LOCK_FINGERPRINT',
    'no key: 400',
    'the answer to a COMMIT is lost: 500',
    'the next request: 201',
    'payments with that key: 1',
  ]);
  expect(lines).toEqual(printedOnPage('docs/recipes/payment.md', 'payment'));
});
