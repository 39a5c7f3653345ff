import { describe, expect, it } from '@jest/globals';
import type { Resolution } from '../clerk/clerk.service.ts';
import type { Submission } from '../shared/submission.interface.ts';
import {
  failed,
  formatResults,
  formatSeedHeader,
  formatSeedLine,
  formatSeedsVerdict,
  formatVerdict,
} from './report.ts';
import type { RunResult } from './run.ts';

const submission: Submission = {
  invoice: 'INV-1',
  amount: '10.00',
  currency: 'EUR',
  submittedBy: 'replica-2',
  fencingToken: 5,
  receipt: 1,
  sentAt: Date.UTC(2026, 9, 31),
  receivedAt: Date.UTC(2026, 9, 31),
  endedAt: Date.UTC(2026, 9, 31),
};
const resolution: Resolution = {
  invoice: 'INV-2',
  begunBy: 'replica-1',
  since: new Date(),
  fencingToken: 4,
  hasArrived: true,
};
const locked: RunResult = {
  locked: true,
  seed: 7,
  replicas: 3,
  invoices: 1_000,
  arrived: 1_000,
  submissions: 1_000,
  duplicates: [],
  faults: { kills: 6, stops: 5, midSubmission: 8 },
  resolutions: [resolution, resolution, { ...resolution, hasArrived: false }],
  late: 2,
  sentOnWaking: 1,
  mostAtOnce: 4,
  tookMs: 9_340,
};
const unlocked: RunResult = {
  ...locked,
  locked: false,
  submissions: 2_000,
  duplicates: [[submission, submission]],
  resolutions: [],
  late: 0,
  mostAtOnce: 29,
};
const duplicated: RunResult = {
  ...locked,
  submissions: 1_001,
  duplicates: [[submission, { ...submission, submittedBy: 'replica-3', fencingToken: 9 }]],
};
const unfinished: RunResult = { ...locked, arrived: 999, submissions: 999 };
const crowded: RunResult = { ...locked, mostAtOnce: 5 };

describe('formatResults', () => {
  it('has a column for each run', () => {
    const table = formatResults([locked, unlocked]);
    expect(table).toMatch(/with locks +without locks/);
    expect(table).toMatch(/submissions +1,000 +2,000/);
    expect(table).toMatch(/duplicates +0 +1,000/);
    expect(table).toMatch(/faults +11 +11/);
    expect(table).toMatch(/killed +6 +6/);
    expect(table).toMatch(/stopped +5 +5/);
    expect(table).toMatch(/in mid-submission +8 +8/);
    expect(table).toMatch(/unknown outcomes +3 +–/);
    expect(table).toMatch(/had arrived +2 +–/);
    expect(table).toMatch(/had not +1 +–/);
    expect(table).toMatch(/finished late +2 +–/);
    expect(table).toMatch(/sent on waking +1 +1/);
    expect(table).toMatch(/most at a time +4 +29/);
    expect(table).toMatch(/time +9.3 s +9.3 s/);
  });
});

describe('formatVerdict', () => {
  it('says what became of the unknown outcomes', () => {
    expect(formatVerdict([locked])).toContain(
      'each of the 1,000 invoices was submitted exactly once',
    );
    expect(formatVerdict([locked])).toMatch(/2 had arrived[^]*1 had not/);
    expect(formatVerdict([{ ...locked, resolutions: [] }])).not.toContain('had arrived');
  });

  it('counts what went wrong without locks', () => {
    expect(formatVerdict([unlocked])).toContain('1,000 submissions too many');
  });

  it('does not hide a failure', () => {
    expect(formatVerdict([duplicated])).toMatch(
      /FAILED, with locks and seed 7:\n- INV-1 was submitted 2 times: by replica-2 .*\(token 5\), by replica-3 .*\(token 9\)$/,
    );
    expect(formatVerdict([unfinished])).toContain('1 invoice never arrived');
    expect(formatVerdict([crowded])).toContain('5 were submitted at a time');
  });
});

describe('failed', () => {
  it('is whatever must not be with locks, and nothing of what happens without', () => {
    expect(failed([locked, unlocked])).toBe(false);
    for (const bad of [duplicated, unfinished, crowded]) expect(failed([bad, unlocked])).toBe(true);
  });
});

describe('the lines of many seeds', () => {
  it('stand under their titles', () => {
    expect(formatSeedLine(locked)).toHaveLength(formatSeedHeader().length);
    expect(formatSeedLine(locked).trim().split(/ {2,}/)).toEqual([
      '7',
      '1,000',
      '1,000',
      '0',
      '6',
      '5',
      '8',
      '3',
      '2',
      '1',
      '2',
      '1',
      '4',
      '9.3 s',
    ]);
  });

  it('are summed up', () => {
    expect(formatSeedsVerdict([locked, locked])).toMatch(
      /^2 seeds: 12 replicas killed, 10 stopped/,
    );
    expect(formatSeedsVerdict([locked, locked])).toContain('each of the 2,000 invoices');
  });

  it('do not hide a failure', () => {
    expect(formatSeedsVerdict([locked, duplicated])).toMatch(/^FAILED: 1 of 2 seeds[^]*INV-1 was/);
  });
});
