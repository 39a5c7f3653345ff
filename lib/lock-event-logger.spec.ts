import { describe, expect, it } from '@jest/globals';
import type { LockEvent } from './core/lock-events.js';
import { LockEventLogger } from './lock-event-logger.js';
import type { OutcomeRecord } from './stores/outcome.interface.js';

const HOLDER = { service: 'billing', host: 'worker-1', pid: 4711 };
const since = new Date(0);
const began = { fencingToken: 7, holder: HOLDER, since, outcome: 'unknown' } as const;

const recordOf = (attempts: OutcomeRecord['attempts']): OutcomeRecord => ({
  name: 'invoice:42',
  job: 'invoice',
  state: 'unknown',
  attempts,
  processedAt: null,
  expiresAt: null,
});

const element = { name: 'invoice:42', job: 'invoice', fencingToken: 7 };
const unknown = { ...element, type: 'outcome-unknown', record: recordOf([began]) } as const;
const skipped = { type: 'skipped', name: 'nightly', holder: HOLDER } as const;

/** What is logged of an event; each line begins with its level. */
const linesOf = (event: LockEvent, levels = ['log', 'debug', 'warn', 'error']): string[] => {
  const lines: string[] = [];
  const writer = (level: string) => (message: unknown) => lines.push(`${level} ${String(message)}`);
  const logger = Object.fromEntries(levels.map((level) => [level, writer(level)]));
  new LockEventLogger(logger as never).log(event);
  return lines;
};

const BEGUN =
  'warn The outcome of "invoice:42" is unknown: billing (worker-1, pid 4711) began it at 1970-01-01T00:00:00.000Z with fencing token 7. ';

describe('what is logged of what is done once', () => {
  it.each<[string, LockEvent]>([
    [`${BEGUN}It is done again now.`, { ...unknown, decision: 'retry' }],
    [
      `${BEGUN}Nobody does it until that is resolved: locks.outcomes.resolve(name, …).`,
      { ...unknown, decision: 'hold' },
    ],
    [`${BEGUN}It counts as processed now.`, { ...unknown, decision: 'processed' }],
    [
      'warn "invoice:42" is processed, but its lock was lost before: somebody else may have done it, too.',
      { ...element, type: 'processed', isLate: true },
    ],
    [
      'warn "nightly" is skipped: an earlier run still goes on.',
      { ...skipped, reason: 'busy', isMissed: true },
    ],
    ['debug "nightly" is skipped: it is busy.', { ...skipped, reason: 'busy', isMissed: false }],
    [
      'debug "nightly" is skipped: it is processed.',
      { ...skipped, reason: 'processed', isMissed: false },
    ],
  ])('is: %s', (line, event) => {
    expect(linesOf(event)).toEqual([line]);
  });

  it('names the last that began it and never told the end', () => {
    const failed = { ...began, fencingToken: 9, outcome: 'failed' } as const;
    const record = recordOf([{ ...began, fencingToken: 6 }, began, failed]);
    expect(linesOf({ ...unknown, record, decision: 'retry' })[0]).toContain('fencing token 7.');
    expect(linesOf({ ...unknown, record: recordOf([failed]), decision: 'retry' })).toEqual([
      'warn The outcome of "invoice:42" is unknown. It is done again now.',
    ]);
  });

  it.each<LockEvent>([
    { ...element, type: 'processed', isLate: false },
    { type: 'compensated', name: 'a', fencingToken: 7, reason: 'expired' },
  ])('is nothing of what is as it should be: $type', (event) => {
    expect(linesOf(event)).toEqual([]);
  });

  it('bears a logger without debug', () => {
    const event = { ...skipped, reason: 'busy', isMissed: false } as const;
    expect(linesOf(event, ['warn'])).toEqual([]);
  });
});

describe('what is logged of a node', () => {
  const told = { type: 'node', node: 'Redis at a:6379', clockOffsetMs: null } as const;
  const well = { ...told, reason: null, votesInMs: null, error: null } as const;

  it.each<[string, LockEvent]>([
    ['log Node Redis at a:6379 votes.', { ...well, state: 'voting' }],
    ['log Node Redis at a:6379 is new, and does not vote yet.', { ...well, state: 'blank' }],
    ['warn Node Redis at a:6379 gives no answer.', { ...well, state: 'unreachable' }],
    [
      'warn Node Redis at a:6379 cannot be used (connect ECONNREFUSED a:6379).',
      { ...well, state: 'unreachable', error: new Error('connect ECONNREFUSED a:6379') },
    ],
    ['warn Node Redis at a:6379 does not answer in time.', { ...well, state: 'silent' }],
    [
      'warn Node Redis at a:6379 does not vote for another 30302 ms: it was restarted, and may have forgotten votes.',
      { ...well, state: 'quarantined', reason: 'restarted', votesInMs: 30_301.5 },
    ],
    [
      'warn Node Redis at a:6379 does not vote for another 30302 ms: it has no memory of its votes, so it is new or was emptied.',
      { ...well, state: 'quarantined', reason: 'emptied', votesInMs: 30_302 },
    ],
    [
      'warn Node Redis at a:6379 does not vote yet: its clock has jumped.',
      { ...well, state: 'quarantined', reason: 'clock-jump', votesInMs: 0 },
    ],
    [
      'warn Node Redis at a:6379 does not vote: its clock is more than a second away from those of most nodes.',
      { ...well, state: 'skewed' },
    ],
    [
      'warn Node Redis at a:6379 does not vote while the others are asked whether its clock has jumped.',
      { ...well, state: 'suspect' },
    ],
  ])('is: %s', (line, event) => {
    expect(linesOf(event)).toEqual([line]);
  });
});

it('shows what a log would obey, in names and in what servers say', () => {
  const name = 'a\n[Nest] admin logged in \u001b[2J\u202e';
  const holder = { ...HOLDER, service: 'b\rc' };
  const [line] = linesOf({ type: 'forced', name, kind: 'lock', holder: { holder } } as never);
  expect(line).toBe(
    'warn "a\\u{a}[Nest] admin logged in \\u{1b}[2J\\u{202e}" was released by force; b\\u{d}c (worker-1, pid 4711) held it.',
  );
});
