import { describe, expect, it } from '@jest/globals';
import type { Resolution } from '../clerk/clerk.service.ts';
import type { JournalEntry } from '../shared/submission.interface.ts';
import {
  failed,
  formatResults,
  formatSeedHeader,
  formatSeedLine,
  formatSeedsVerdict,
  formatVerdict,
} from './report.ts';
import type { RunResult } from './run.ts';

const filing: JournalEntry = {
  entry: 1,
  kind: 'filed',
  invoice: 'INV-1',
  reference: 1,
  submittedBy: 'replica-2',
  fencingToken: 5,
  at: '2026-10-31T12:00:00.250Z',
};
const resolution: Resolution = {
  invoice: 'INV-2',
  begunBy: 'replica-1',
  since: new Date(),
  fencingToken: 4,
  hasArrived: true,
};
const fenced: RunResult = {
  mode: 'with fencing',
  seed: 7,
  replicas: 3,
  invoices: 1_000,
  arrived: 1_000,
  submissions: 1_000,
  duplicates: [],
  stale: { refused: 7, accepted: 0 },
  faults: { kills: 6, stops: 5, midSubmission: 8 },
  resolutions: [resolution, resolution, { ...resolution, hasArrived: false }],
  late: 2,
  sentOnWaking: 1,
  mostAtOnce: 4,
  tookMs: 9_340,
};
const unfenced: RunResult = {
  ...fenced,
  mode: 'without fencing',
  submissions: 1_005,
  stale: { refused: 0, accepted: 6 },
};
const unlocked: RunResult = {
  ...fenced,
  mode: 'without locks',
  submissions: 2_000,
  duplicates: [[filing, filing]],
  resolutions: [],
  late: 0,
  mostAtOnce: 29,
};
const duplicated: RunResult = {
  ...fenced,
  submissions: 1_001,
  duplicates: [[filing, { ...filing, submittedBy: 'replica-3', fencingToken: 9 }]],
};
const unfinished: RunResult = { ...fenced, arrived: 999, submissions: 999 };
const outrun: RunResult = { ...fenced, stale: { refused: 7, accepted: 1 } };
const crowded: RunResult = { ...fenced, mostAtOnce: 5 };

describe('formatResults', () => {
  it('has a column for each run', () => {
    const table = formatResults([fenced, unfenced, unlocked]);
    expect(table).toMatch(/with fencing +without fencing +without locks/);
    expect(table).toMatch(/submissions +1,000 +1,005 +2,000/);
    expect(table).toMatch(/duplicates +0 +5 +1,000/);
    expect(table).toMatch(/stale submissions tried +7 +6 +–/);
    expect(table).toMatch(/refused +7 +0 +–/);
    expect(table).toMatch(/accepted +0 +6 +–/);
    expect(table).toMatch(/faults +11 +11 +11/);
    expect(table).toMatch(/killed +6 +6 +6/);
    expect(table).toMatch(/stopped +5 +5 +5/);
    expect(table).toMatch(/in mid-submission +8 +8 +8/);
    expect(table).toMatch(/unknown outcomes +3 +3 +–/);
    expect(table).toMatch(/had arrived +2 +2 +–/);
    expect(table).toMatch(/had not +1 +1 +–/);
    expect(table).toMatch(/finished late +2 +2 +–/);
    expect(table).toMatch(/sent on waking +1 +1 +1/);
    expect(table).toMatch(/most at a time +4 +4 +29/);
    expect(table).toMatch(/time +9.3 s +9.3 s +9.3 s/);
  });
});

describe('formatVerdict', () => {
  it('says what became of the unknown outcomes', () => {
    expect(formatVerdict([fenced])).toContain(
      'each of the 1,000 invoices was submitted exactly once',
    );
    expect(formatVerdict([fenced])).toMatch(/2 had arrived[^]*1 had not/);
    expect(formatVerdict([{ ...fenced, resolutions: [] }])).not.toContain('had arrived');
  });

  it('says what became of stale submissions', () => {
    expect(formatVerdict([fenced])).toMatch(/7 stale submissions came .* none went in/);
    const none = { ...fenced, stale: { refused: 0, accepted: 0 } };
    expect(formatVerdict([none])).toContain('No stale submission was tried in this run: ');
    expect(formatVerdict([none])).not.toContain('none went in');
  });

  it('counts what went wrong without fencing, and without locks', () => {
    expect(formatVerdict([unfenced])).toMatch(
      /6 stale submissions went in[^]*5 submissions too many/,
    );
    expect(formatVerdict([unlocked])).toContain('1,000 submissions too many');
  });

  it('does not hide a failure', () => {
    expect(formatVerdict([duplicated])).toMatch(
      /FAILED, with fencing and seed 7:\n- INV-1 was submitted 2 times: by replica-2 .*\(token 5\), by replica-3 .*\(token 9\)$/,
    );
    expect(formatVerdict([unfinished])).toContain('1 invoice never arrived');
    expect(formatVerdict([outrun])).toContain('1 stale submission went in');
    expect(formatVerdict([crowded])).toContain('5 were submitted at a time');
  });
});

describe('failed', () => {
  it('is whatever must not be with fencing, and nothing of what happens without', () => {
    expect(failed([fenced, unfenced, unlocked])).toBe(false);
    for (const bad of [duplicated, unfinished, outrun, crowded]) {
      expect(failed([bad, unfenced, unlocked])).toBe(true);
    }
  });
});

describe('the lines of many seeds', () => {
  it('stand under their titles', () => {
    expect(formatSeedLine(fenced)).toHaveLength(formatSeedHeader().length);
    expect(formatSeedLine(fenced).trim().split(/ {2,}/)).toEqual([
      '7',
      '1,000',
      '1,000',
      '0',
      '7',
      '7',
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
    expect(formatSeedsVerdict([fenced, fenced])).toMatch(
      /^2 seeds: 12 replicas killed, 10 stopped/,
    );
    expect(formatSeedsVerdict([fenced, fenced])).toContain('each of the 2,000 invoices');
    expect(formatSeedsVerdict([fenced, fenced])).toContain(
      '14 stale submissions tried, and all refused',
    );
    const none = { ...fenced, stale: { refused: 0, accepted: 0 } };
    expect(formatSeedsVerdict([none, fenced])).toContain('7 stale submissions tried, and all');
    expect(formatSeedsVerdict([none, none])).toContain(
      'No stale submission was tried in these runs: ',
    );
    expect(formatSeedsVerdict([none, none])).not.toContain('refused');
    expect(formatSeedsVerdict([unfenced, unfenced])).toMatch(
      /12 stale submissions went in[^]*10 submissions too many/,
    );
  });

  it('do not hide a failure', () => {
    expect(formatSeedsVerdict([fenced, duplicated])).toMatch(/^FAILED: 1 of 2 seeds[^]*INV-1 was/);
  });
});
