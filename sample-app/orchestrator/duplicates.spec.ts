import { describe, expect, it } from '@jest/globals';
import type { Submission } from '../shared/submission.interface.ts';
import { classifyDuplicates } from './duplicates.ts';

const pause = { replica: 'replica-1', from: 10_000, to: 13_000 };
let receipt = 0;

function submission(fields: Partial<Submission>): Submission {
  return {
    invoice: 'INV-1',
    amount: '10.00',
    currency: 'EUR',
    submittedBy: 'replica-2',
    fencingToken: null,
    receipt: ++receipt,
    receivedAt: 12_000,
    ...fields,
  };
}

describe('classifyDuplicates', () => {
  it('finds none when every invoice was submitted once', () => {
    const submissions = [submission({ invoice: 'INV-1' }), submission({ invoice: 'INV-2' })];
    expect(classifyDuplicates(submissions, pause)).toEqual({
      total: 0,
      fromStoppedHolder: 0,
      preventable: 0,
    });
  });

  it('counts every submission after the first', () => {
    const submissions = [submission({}), submission({}), submission({})];
    expect(classifyDuplicates(submissions)).toEqual({
      total: 2,
      fromStoppedHolder: 0,
      preventable: 2,
    });
  });

  it('tells a late submission of the stopped holder from the others', () => {
    const overtaking = submission({ fencingToken: 9 });
    const late = submission({ fencingToken: 5, submittedBy: 'replica-1', receivedAt: 13_004 });
    expect(classifyDuplicates([overtaking, late], pause)).toEqual({
      total: 1,
      fromStoppedHolder: 1,
      preventable: 0,
    });
  });

  it('goes by the order of arrival, not by the order of the list', () => {
    const overtaking = submission({ fencingToken: 9 });
    const late = submission({ fencingToken: 5, submittedBy: 'replica-1', receivedAt: 13_004 });
    expect(classifyDuplicates([late, overtaking], pause).fromStoppedHolder).toBe(1);
  });

  it.each([
    ['no replica was stopped', {}, undefined],
    ['another replica was stopped', { submittedBy: 'replica-3' }, pause],
    ['it was sent before the stop', { receivedAt: 9_000 }, pause],
    ['it was sent long after the wake-up', { receivedAt: 15_000 }, pause],
    ['its token is the newer one', { fencingToken: 10 }, pause],
    ['both hold the same token', { fencingToken: 9 }, pause],
    ['it was sent without a token', { fencingToken: null }, pause],
  ])('takes a duplicate as preventable when %s', (_reason, fields, stop) => {
    const duplicate = submission({
      fencingToken: 5,
      submittedBy: 'replica-1',
      receivedAt: 13_004,
      ...fields,
    });
    expect(classifyDuplicates([submission({ fencingToken: 9 }), duplicate], stop)).toEqual({
      total: 1,
      fromStoppedHolder: 0,
      preventable: 1,
    });
  });
});
