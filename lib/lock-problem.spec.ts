import { describe, expect, it } from '@jest/globals';
import * as errors from './lock.errors.js';
import { ERRORS_WITH_PROBLEM, lockProblemOf } from './lock-problem.js';
import type { LeaseRecord, NameKind } from './stores/lock-store.interface.js';
import type { OutcomeRecord } from './stores/outcome.interface.js';

const INSIDE = /secret|1234|billing/;

const lease = (remainingMs: number): LeaseRecord => ({
  holder: { service: 'billing', host: 'secret-host', pid: 1234 },
  fencingToken: 1,
  since: new Date(),
  remainingMs,
  units: 1,
});

const busy = (kind: NameKind, remainingMs?: number) =>
  new errors.LockBusyError(
    'secret is held by billing (pid 1234)',
    'secret',
    remainingMs === undefined ? null : lease(remainingMs),
    kind,
  );

const RECORD = { name: 'secret', job: 'billing', attempts: [] } as unknown as OutcomeRecord;

type Mapped = readonly [error: errors.LockError, status: number, code: string, retryAfter?: number];

const MAPPED: readonly Mapped[] = [
  [busy('lock', 20_000), 409, 'LOCK_BUSY'],
  [new errors.LockTimeoutError('secret', 'secret', lease(1), 5), 409, 'LOCK_TIMEOUT'],
  [
    new errors.LockTimeoutError('secret', 'secret', lease(4001), 5, null, 'semaphore'),
    429,
    'LOCK_TIMEOUT',
    5,
  ],
  [busy('semaphore', 4001), 429, 'LOCK_BUSY', 5],
  [
    new errors.LockStoreError('secret', { cause: new Error('secret') }),
    503,
    'LOCK_STORE_UNREACHABLE',
    5,
  ],
  [new errors.LockDrainingError('secret'), 503, 'LOCK_DRAINING', 1],
  [new errors.LockAbortedError('secret', new Error('secret')), 503, 'LOCK_ABORTED', 1],
  [new errors.StaleFencingTokenError('secret', 1234, 5678), 412, 'LOCK_STALE_FENCING_TOKEN'],
  [new errors.LockLostError('secret', 1234, 'forced', { result: 'secret' }), 500, 'LOCK_LOST'],
  [new errors.OutcomeUnknownError(RECORD), 409, 'LOCK_OUTCOME_UNKNOWN'],
  [new errors.FingerprintError(RECORD), 422, 'LOCK_FINGERPRINT'],
];

const FAULTS: readonly errors.LockError[] = [
  new errors.LockOptionsError('wrong'),
  new errors.LockKeyError('wrong'),
  new errors.LockServiceMissingError('wrong'),
  new errors.LockReentryError('wrong', 'a'),
  new errors.LockNotHeldError('a'),
  new errors.LockReleasedError('a'),
  new errors.FencedRowMissingError('invoices', 42),
  new errors.ResultNotStoredError('a', 'too large'),
];

/** With a name for the test's title, and whole: a row that is too short would be given a callback. */
const named = (rows: readonly Mapped[]) =>
  rows.map(
    ([error, status, code, retryAfter = null]) =>
      [error.name, error, status, code, retryAfter] as const,
  );

describe('the problem of an error', () => {
  it.each(named(MAPPED))('of %s', (_name, error, status, code, retryAfter) => {
    const problem = lockProblemOf(error);
    expect(problem).toMatchObject({ status, code });
    expect(problem?.retryAfter ?? null).toBe(retryAfter);
    expect(ERRORS_WITH_PROBLEM.some((errorClass) => error instanceof errorClass)).toBe(true);
  });

  it.each(named(MAPPED))('tells nothing from inside: %s', (_name, error) => {
    const { type, title, detail } = lockProblemOf(error)!;
    expect(`${type} ${title} ${detail}`).not.toMatch(INSIDE);
    expect(type).toMatch(/^urn:nestjs-locker:[a-z-]+$/);
  });

  it('is another for every kind', () => {
    const types = MAPPED.map(([error]) => lockProblemOf(error)!.type);
    // The two errors of a full semaphore are one kind.
    expect(new Set(types).size).toBe(MAPPED.length - 1);
  });

  it.each([
    [undefined, 1],
    [-50, 1],
    [1, 1],
    [1000, 1],
    [2 ** 31, 30],
    [NaN, 1],
  ])('bounds the wait for a permit: a lease with %s ms left', (remainingMs, retryAfter) => {
    expect(lockProblemOf(busy('semaphore', remainingMs))?.retryAfter).toBe(retryAfter);
  });

  it('is that of the class from which an error is derived, with its own code', () => {
    class InvoiceBusyError extends errors.LockBusyError {
      override readonly code = 'INVOICE_BUSY';
    }
    const error = new InvoiceBusyError('secret', 'secret', null);
    expect(lockProblemOf(error)).toMatchObject({ status: 409, code: 'INVOICE_BUSY' });
  });

  it('of a release that had no answer invites nobody to do the work again', () => {
    const problem = lockProblemOf(new errors.LockStoreError('secret', { mayBeDone: true }))!;
    expect(problem).toMatchObject({ status: 500, code: 'LOCK_STORE_UNREACHABLE' });
    expect(problem.type).toBe('urn:nestjs-locker:release-unanswered');
    expect(problem.retryAfter).toBeUndefined();
    expect(JSON.stringify(problem)).not.toMatch(INSIDE);
  });

  it('of a wait that ended with the lock around it is that of the loss', () => {
    const lost = new errors.LockLostError('secret', 1234, 'forced');
    const aborted = new errors.LockAbortedError('a permit', lost);
    expect(lockProblemOf(aborted)).toEqual(lockProblemOf(lost));
  });

  it.each(FAULTS.map((fault) => [fault.name, fault] as const))(
    'is none for a fault of the program: %s',
    (_name, fault) => {
      expect(lockProblemOf(fault)).toBeUndefined();
      expect(ERRORS_WITH_PROBLEM.some((errorClass) => fault instanceof errorClass)).toBe(false);
    },
  );

  it.each([new Error('LOCK_BUSY'), { code: 'LOCK_BUSY' }, null, undefined, 'LOCK_BUSY'])(
    'is none for what is no error of a lock: %p',
    (error) => expect(lockProblemOf(error)).toBeUndefined(),
  );

  it('is decided for every error there is', () => {
    const decided = [...MAPPED.map(([error]) => error), ...FAULTS].map(({ name }) => name);
    const others = Object.keys(errors).filter((name) => name !== 'LockError');
    expect([...new Set(decided)].sort()).toEqual(others.sort());
  });
});
