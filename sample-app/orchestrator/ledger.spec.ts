import { describe, expect, it } from '@jest/globals';
import type { Submission } from '../shared/submission.interface.ts';
import { findDuplicates, mostAtOnce, wasSentOnWaking } from './ledger.ts';

let receipts = 0;

function submission(fields: Partial<Submission>): Submission {
  return {
    invoice: 'INV-1',
    amount: '10.00',
    currency: 'EUR',
    submittedBy: 'replica-2',
    fencingToken: null,
    receipt: ++receipts,
    sentAt: 11_990,
    receivedAt: 12_000,
    endedAt: 12_050,
    ...fields,
  };
}

describe('findDuplicates', () => {
  it('finds none when every invoice was submitted once', () => {
    const submissions = [submission({ invoice: 'INV-1' }), submission({ invoice: 'INV-2' })];
    expect(findDuplicates(submissions)).toEqual([]);
  });

  it('tells all submissions of an invoice, in the order of their arrival', () => {
    const [first, second, third] = [submission({}), submission({}), submission({})];
    const other = submission({ invoice: 'INV-2' });
    expect(findDuplicates([third, other, second, first])).toEqual([[first, second, third]]);
  });
});

describe('wasSentOnWaking', () => {
  it('is what was on its way for longer than a lease', () => {
    expect(wasSentOnWaking(submission({ sentAt: 10_001, receivedAt: 12_000 }))).toBe(false);
    expect(wasSentOnWaking(submission({ sentAt: 10_000, receivedAt: 12_000 }))).toBe(true);
  });
});

describe('mostAtOnce', () => {
  const lasting = (receivedAt: number, endedAt: number | null, sentAt = receivedAt): Submission =>
    submission({ sentAt, receivedAt, endedAt });

  it('counts those whose times overlap', () => {
    expect(mostAtOnce([])).toBe(0);
    expect(mostAtOnce([lasting(0, 50), lasting(50, 90), lasting(60, 70)])).toBe(2);
    expect(mostAtOnce([lasting(0, 50), lasting(10, 50), lasting(49, 90), lasting(50, 90)])).toBe(3);
  });

  it('takes what has not ended as still under way', () => {
    expect(mostAtOnce([lasting(0, null), lasting(90, 99)])).toBe(2);
  });

  it('leaves out what was sent on waking', () => {
    expect(mostAtOnce([lasting(5_000, 5_050), lasting(5_000, 5_050, 1_000)])).toBe(1);
  });
});
