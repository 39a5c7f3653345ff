import { describe, expect, it } from '@jest/globals';
import type { JournalEntry, Passage } from '../shared/submission.interface.ts';
import {
  countSentOnWaking,
  filingsOf,
  findDuplicates,
  findStale,
  mostAtOnce,
  wasSentOnWaking,
} from './ledger.ts';

let entries = 0;

function entry(fields: Partial<JournalEntry>): JournalEntry {
  return {
    entry: ++entries,
    kind: 'filed',
    invoice: 'INV-1',
    reference: fields.kind === 'asked' ? null : entries,
    fencingToken: null,
    submittedBy: 'replica-2',
    at: '2026-10-31T12:00:00.250Z',
    ...fields,
  };
}

function passage(fields: Partial<Passage>): Passage {
  return {
    step: 'file',
    invoice: 'INV-1',
    submittedBy: 'replica-2',
    sentAt: 11_990,
    receivedAt: 12_000,
    endedAt: 12_050,
    isRefused: false,
    ...fields,
  };
}

describe('findDuplicates', () => {
  it('finds none when every invoice was filed once, however often it was handed in and asked about', () => {
    const journal = [
      entry({ kind: 'handed in' }),
      entry({ kind: 'asked' }),
      entry({ kind: 'handed in' }),
      entry({}),
      entry({ invoice: 'INV-2' }),
    ];
    expect(filingsOf(journal)).toHaveLength(2);
    expect(findDuplicates(journal)).toEqual([]);
  });

  it('tells all filings of an invoice, in the order of their arrival', () => {
    const [first, second, third] = [entry({}), entry({}), entry({})];
    const other = entry({ invoice: 'INV-2' });
    expect(findDuplicates([third, other, second, first])).toEqual([[first, second, third]]);
  });
});

describe('findStale', () => {
  it('finds what was filed with a token older than one that had been there', () => {
    const asked = entry({ kind: 'asked', fencingToken: 9 });
    const stale = entry({ fencingToken: 5 });
    const next = entry({ fencingToken: 12 });
    expect(findStale([next, stale, asked])).toEqual([stale]);
    const handedIn = entry({ kind: 'handed in', fencingToken: 13 });
    const second = entry({ fencingToken: 12 });
    expect(findStale([asked, next, handedIn, second])).toEqual([second]);
  });

  it('finds what was handed in so, too, and counts a submission once', () => {
    const asked = entry({ kind: 'asked', fencingToken: 9 });
    const handedIn = entry({ kind: 'handed in', fencingToken: 5 });
    const filed = entry({ fencingToken: 5, reference: handedIn.reference });
    expect(findStale([asked, handedIn])).toEqual([handedIn]);
    expect(findStale([filed, handedIn, asked])).toEqual([handedIn]);
    const other = entry({ kind: 'handed in', fencingToken: 5 });
    expect(findStale([asked, handedIn, filed, other])).toEqual([handedIn, other]);
  });

  it('is not misled by the same token, by other invoices, nor by what came later', () => {
    const journal = [
      entry({ fencingToken: 5, kind: 'handed in' }),
      entry({ fencingToken: 9, invoice: 'INV-2' }),
      entry({ fencingToken: 5 }),
      entry({ fencingToken: 9, kind: 'asked' }),
      entry({ fencingToken: 5, kind: 'asked' }),
      entry({ fencingToken: null }),
    ];
    expect(findStale(journal)).toEqual([]);
  });
});

describe('what was sent on waking', () => {
  it('was on its way for longer than a lease', () => {
    expect(wasSentOnWaking(passage({ sentAt: 10_001, receivedAt: 12_000 }))).toBe(false);
    expect(wasSentOnWaking(passage({ sentAt: 10_000, receivedAt: 12_000 }))).toBe(true);
  });

  it('counts once for a submission: as filed, or as refused before', () => {
    const late = { sentAt: 0, receivedAt: 5_000 };
    const traffic = [
      passage({ ...late, step: 'hand in' }),
      passage(late),
      passage({ ...late, isRefused: true }),
      passage({ ...late, step: 'hand in', isRefused: true }),
      passage({}),
    ];
    expect(countSentOnWaking(traffic)).toBe(3);
  });
});

describe('mostAtOnce', () => {
  const lasting = (receivedAt: number, endedAt: number | null, fields = {}): Passage =>
    passage({ sentAt: receivedAt, receivedAt, endedAt, ...fields });

  it('counts those whose times overlap', () => {
    expect(mostAtOnce([])).toBe(0);
    expect(mostAtOnce([lasting(0, 50), lasting(50, 90), lasting(60, 70)])).toBe(2);
    expect(mostAtOnce([lasting(0, 50), lasting(10, 50), lasting(49, 90), lasting(50, 90)])).toBe(3);
  });

  it('takes what has not ended as still under way', () => {
    expect(mostAtOnce([lasting(0, null), lasting(90, 99)])).toBe(2);
  });

  it('leaves out what was sent on waking, and what was refused', () => {
    const traffic = [
      lasting(5_000, 5_050),
      lasting(5_000, 5_050, { sentAt: 1_000 }),
      lasting(5_000, 5_050, { isRefused: true }),
    ];
    expect(mostAtOnce(traffic)).toBe(1);
  });
});
