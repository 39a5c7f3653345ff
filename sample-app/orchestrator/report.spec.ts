import { describe, expect, it } from '@jest/globals';
import { failed, formatResults, formatVerdict } from './report.ts';
import type { RunResult } from './run.ts';

const locked: RunResult = {
  locked: true,
  invoices: 1_000,
  submissions: 1_000,
  duplicates: { total: 0, fromStoppedHolder: 0, preventable: 0 },
  mostAtOnce: 2,
  locksLost: 1,
  tookMs: 9_340,
  replicas: [
    { name: 'replica-1', submissions: 300 },
    { name: 'replica-2', submissions: 200 },
    { name: 'replica-3', submissions: 500 },
  ],
  pause: { replica: 'replica-1', from: 1_000, to: 4_000 },
  killed: 'replica-2',
};
const unlocked: RunResult = {
  ...locked,
  locked: false,
  submissions: 2_000,
  duplicates: { total: 1_000, fromStoppedHolder: 0, preventable: 1_000 },
  mostAtOnce: 9,
  locksLost: 0,
};
const late: RunResult = {
  ...locked,
  submissions: 1_001,
  duplicates: { total: 1, fromStoppedHolder: 1, preventable: 0 },
};
const broken: RunResult = {
  ...locked,
  submissions: 1_002,
  duplicates: { total: 2, fromStoppedHolder: 0, preventable: 2 },
};

describe('formatResults', () => {
  it('has a column for each run and a row for each replica', () => {
    const table = formatResults([locked, unlocked]);
    expect(table).toMatch(/with locks +without locks/);
    expect(table).toMatch(/submissions +1,000 +2,000/);
    expect(table).toMatch(/duplicates +0 +1,000/);
    expect(table).toMatch(/most at a time +2 +9/);
    expect(table).toMatch(/locks lost +1 +–/);
    expect(table).toMatch(/time +9.3 s +9.3 s/);
    expect(table).toMatch(/replica-1, stopped 3.0 s +300 +300/);
    expect(table).toMatch(/replica-2, killed +200 +200/);
  });
});

describe('formatVerdict', () => {
  it('says what locks alone cannot prevent, and how often it happened', () => {
    expect(formatVerdict([locked])).toContain('each of the 1,000 invoices was submitted once');
    expect(formatVerdict([locked])).toMatch(/cannot prevent[^]*happened 0 times/);
    expect(formatVerdict([late])).toMatch(/cannot prevent[^]*happened once/);
    expect(formatVerdict([late])).not.toContain('was submitted once');
  });

  it('counts what went wrong without locks', () => {
    expect(formatVerdict([unlocked])).toContain('1,000 submissions too many');
  });

  it('does not hide a failure', () => {
    expect(formatVerdict([broken])).toContain('FAILED: with locks, 2 duplicates');
  });
});

describe('failed', () => {
  it('is a duplicate in the locked run that the locks should have prevented, and nothing else', () => {
    expect(failed([broken, unlocked])).toBe(true);
    expect(failed([locked, unlocked])).toBe(false);
    expect(failed([late, unlocked])).toBe(false);
  });
});
