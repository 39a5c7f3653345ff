import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Violation } from '../checker/violation.js';
import { FAULTS } from '../faults/index.js';
import type { HistoryEntry } from '../history/entry.js';
import { readOptions } from '../options.js';
import type { Run } from '../run-fault.js';
import { explain } from './explain.js';
import { hasFailed, judge } from './judge.js';
import { render } from './render.js';
import { summarize } from './summary.js';

const MS = 1_000;

const entries: HistoryEntry[] = [
  { at: 5_000 * MS, process: 'a1', call: 1, type: 'invoke', name: 'busy', kind: 'lock' },
  { at: 5_001 * MS, process: 'a1', call: 1, type: 'ok', token: 7 },
  { at: 5_002 * MS, process: 'b2', call: 4, type: 'invoke', name: 'other', kind: 'lock' },
  { at: 5_003 * MS, process: 'injector', type: 'begin', what: 'FLUSHALL' },
  { at: 5_003.5 * MS, process: 'injector', type: 'end', what: 'FLUSHALL' },
  { at: 5_004 * MS, process: 'b2', call: 5, type: 'invoke', name: 'busy', kind: 'lock' },
  { at: 5_005 * MS, process: 'b2', call: 5, type: 'ok', token: 8 },
  { at: 9_000 * MS, process: 'b2', call: 6, type: 'invoke', name: 'busy', kind: 'lock' },
];

/** @param granted when the first of the two had got it, in ms */
const overlap = (ms: number, from = 5_005, granted = 5_001): Violation => ({
  kind: 'overlap',
  text: 'a1#1 and b2#5 held "busy" together',
  name: 'busy',
  from: from * MS,
  to: (from + ms) * MS,
  ms,
  first: { askedAt: (granted - 1) * MS, at: granted * MS },
});

const run = (fault: string, more: Partial<Run> = {}): Run => ({
  fault: FAULTS.find(({ name }) => name === fault)!,
  library: 'nestjs-locker',
  seed: 1,
  times: 3,
  calls: 100,
  granted: 90,
  violations: [],
  staleWrites: 0,
  lostUpdates: 0,
  recoveries: [{ name: 'busy', ms: 40, isOver: true }],
  longestGapMs: 55,
  entries,
  ...more,
});

describe('a violation', () => {
  it('is one of the contract where the documentation rules it out', () => {
    const violations = [overlap(300)];
    expect(judge(run('client-killed', { violations }))).toEqual({
      within: violations,
      outside: [],
    });
  });

  it('is outside of it where the server has forgotten the lock, until the holder must have learned it', () => {
    const [short, long] = [overlap(300), overlap(3_000)];
    const judgement = judge(run('flushall', { violations: [short, long] }));
    expect(judgement).toEqual({ within: [long], outside: [short] });
  });

  const ofFlush = (violation: Violation) => {
    const { within, outside } = judge(run('flushall', { violations: [violation] }));
    expect(within.length + outside.length).toBe(1);
    return outside.length === 1;
  };

  it('is one of the contract where the server had not forgotten anything yet', () => {
    expect(ofFlush(overlap(300, 5_002))).toBe(false);
    expect(ofFlush(overlap(300, 5, 1))).toBe(false);
  });

  it('is one of the contract where the holder had got its lock after the server had forgotten the others', () => {
    expect(ofFlush(overlap(30, 5_500, 5_400))).toBe(false);
    // What was granted before, and heard of right after.
    const first = { askedAt: 5_002 * MS, at: 5_010 * MS };
    expect(ofFlush({ ...overlap(30, 5_020), first })).toBe(true);
  });

  it('is one of the contract when the holder must have learned it already', () => {
    expect(ofFlush(overlap(100, 6_050))).toBe(true);
    expect(ofFlush(overlap(100, 6_100))).toBe(false);
    expect(ofFlush(overlap(100, 15_000))).toBe(false);
  });

  it('is one of the contract if it has nothing to do with what was forgotten', () => {
    const { first: _first, ...rest } = overlap(30);
    expect(ofFlush({ ...rest, kind: 'hung' })).toBe(false);
    expect(ofFlush({ ...rest, kind: 'overlap' })).toBe(false);
  });

  it('is explained by what happened to its name around it', () => {
    const text = explain(run('client-killed', { violations: [overlap(30)] }));
    expect(text.split('\n')).toEqual([
      'client-killed with nestjs-locker, seed 1: 1 violation(s)',
      '  overlap: a1#1 and b2#5 held "busy" together',
      'overlap: a1#1 and b2#5 held "busy" together',
      '        0.0 ms  a1#1      invoke     name=busy  kind=lock',
      '        1.0 ms  a1#1      ok         token=7',
      '        3.0 ms  injector  begin      FLUSHALL',
      '        3.5 ms  injector  end        FLUSHALL',
      '        4.0 ms  b2#5      invoke     name=busy  kind=lock',
      '        5.0 ms  b2#5      ok         token=8',
    ]);
  });
});

describe('a run', () => {
  const recoveries = [
    { name: 'long', ms: 40, isOver: true },
    { name: 'busy', ms: 7_000, isOver: false },
  ];

  it('has failed if the contract was violated', () => {
    expect(hasFailed(run('client-killed'))).toBe(false);
    expect(hasFailed(run('client-killed', { violations: [overlap(300)] }))).toBe(true);
  });

  it('has failed if a name was never given again, and tells it', () => {
    expect(hasFailed(run('client-killed', { recoveries }))).toBe(true);
    expect(explain(run('client-killed', { recoveries })).split('\n')).toEqual([
      'client-killed with nestjs-locker, seed 1: 0 violation(s)',
      '  never taken again: "busy", in the 7000 ms that were left',
    ]);
  });
});

describe('the tables', () => {
  const rowsOf = (runs: Run[]) => {
    const lines = render(runs.map(summarize), readOptions([])).split('\n');
    return lines.filter((line) => line.startsWith('| FLUSHALL'));
  };

  it('have what was within the contract, and what was outside of it', () => {
    const late: Violation = { ...overlap(444), kind: 'told late' };
    const violations = [overlap(300), overlap(3_000), late];
    expect(rowsOf([run('flushall', { violations, staleWrites: 2, lostUpdates: 1 })])).toEqual([
      '| FLUSHALL | 3 | 100 | 90 | **1** (1 × overlap) | 2, up to 444 ms | 2 | 1 | 0.04 s | 0.06 s |',
    ]);
  });

  it('set the libraries beside each other, and tell what did not come back', () => {
    const recoveries = [{ name: 'busy', ms: 7_000, isOver: false }];
    const other = run('flushall', { library: 'redlock', violations: [overlap(9_000)], recoveries });
    expect(rowsOf([run('flushall'), other]).slice(1)).toEqual([
      '| FLUSHALL | 0 · 0 · 0 · 0 | 1 · 0 · 0 · 0 |',
      '| FLUSHALL | 0.04 s · 0.06 s | not in 7.0 s · 0.06 s |',
    ]);
  });
});

describe('the options', () => {
  it('choose faults and libraries', () => {
    const { faults, libraries, seconds, seed } = readOptions([
      '--only',
      'flushall,none',
      '--library',
      'redlock',
      '--seconds',
      '3',
      '--seed',
      '9',
    ]);
    expect(faults.map(({ name }) => name)).toEqual(['none', 'flushall']);
    expect({ libraries, seconds, seed }).toEqual({ libraries: ['redlock'], seconds: 3, seed: 9 });
  });

  it('are those of the page, if none are given', () => {
    const page = readFileSync(new URL('../../../docs/evidence.md', import.meta.url), 'utf8');
    const { seconds, seed } = readOptions([]);
    expect(page).toContain(`\n${seconds} s for each fault and library, seed ${seed}. `);
  });

  it('that are none are refused', () => {
    expect(() => readOptions(['--only', 'flood'])).toThrow('no fault: flood; there are none, ');
    expect(() => readOptions(['--seconds', 'x'])).toThrow('--seconds is no whole number');
    expect(() => readOptions(['--fast'])).toThrow("Unknown option '--fast'");
  });
});
