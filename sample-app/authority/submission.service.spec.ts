import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { PGlite } from '@electric-sql/pglite';
import { StaleFencingTokenError } from '../../lib/fencing/index.ts';
import { openDatabase } from './database.ts';
import { Journal } from './journal.ts';
import { type KnownDocument, SubmissionService } from './submission.service.ts';

const INVOICE = 'INV-1';

let postgres: PGlite;
let journal: Journal;
let submissions: SubmissionService;

// Postgres takes seconds to begin.
beforeAll(async () => {
  postgres = await openDatabase();
  journal = new Journal(postgres);
  submissions = new SubmissionService(postgres, journal);
}, 90_000);

afterAll(() => postgres?.close());

async function handIn(token: number): Promise<KnownDocument> {
  const document = {
    invoice: INVOICE,
    amount: '12.50',
    currency: 'EUR',
    submittedBy: 'replica-1',
    sentAt: 0,
  };
  const { reference } = await submissions.handIn(document, token);
  return submissions.find(reference);
}

async function written(): Promise<string[]> {
  const entries = await journal.entries();
  return entries.map(({ kind, fencingToken }) => `${kind} (${fencingToken})`);
}

describe('with fencing', () => {
  beforeEach(() => journal.begin(true));

  it('"it has not arrived" is final: what was begun under an older token is not filed any more', async () => {
    const document = await handIn(5);
    await expect(submissions.hasReceived(INVOICE, 9)).resolves.toBe(false);

    await expect(submissions.file(document, 5)).rejects.toThrow(StaleFencingTokenError);
    expect(await written()).toEqual(['handed in (5)', 'asked (9)']);
    await expect(submissions.hasReceived(INVOICE, 9)).resolves.toBe(false);
  });

  it('nor is it handed in', async () => {
    await submissions.hasReceived(INVOICE, 9);
    await expect(handIn(5)).rejects.toThrow(StaleFencingTokenError);
    expect(await written()).toEqual(['asked (9)']);
  });

  it.each([5, 9])('what was handed in with 5 is filed with %d', async (token) => {
    await submissions.file(await handIn(5), token);
    expect(await written()).toEqual(['handed in (5)', `filed (${token})`]);
    await expect(submissions.hasReceived(INVOICE, 9)).resolves.toBe(true);
  });
});

it('without fencing the same goes in, although the answer was "no"', async () => {
  await journal.begin(false);
  const document = await handIn(5);
  await expect(submissions.hasReceived(INVOICE, 9)).resolves.toBe(false);

  await submissions.file(document, 5);
  expect(await written()).toEqual(['handed in (5)', 'asked (9)', 'filed (5)']);
});
