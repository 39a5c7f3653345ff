import type { Abstract, Type } from '@nestjs/common';
import {
  FingerprintError,
  LockAbortedError,
  LockBusyError,
  LockDrainingError,
  type LockError,
  LockLostError,
  LockStoreError,
  LockTimeoutError,
  OutcomeUnknownError,
  StaleFencingTokenError,
} from './lock.errors.js';

/**
 * What a caller outside is told about an error of a lock: problem details (RFC 9457), without names of
 * locks, hosts and processes.
 *
 * @example
 * const { status, code, detail }: LockProblem = lockProblemOf(new LockDrainingError('invoice:42'))!;
 */
export interface LockProblem {
  /** Names the kind of problem for programs; to be compared, not to be fetched. */
  readonly type: string;
  /** The kind of problem in a few words, the same for every occurrence. */
  readonly title: string;
  /** The HTTP status. */
  readonly status: number;
  /** What happened, and what the caller may do. */
  readonly detail: string;
  /** The error's own `code`. */
  readonly code: string;
  /** After how many seconds another try makes sense, as far as that can be said. */
  readonly retryAfter?: number;
  /** Of a stale token: which it was. A service that passes on the refusal of another one names its own by it. */
  readonly fencingToken?: number;
}

type Problem = Omit<LockProblem, 'code'>;

/** A failover takes seconds; asking sooner only adds to the load. */
const STORE_RETRY_SECONDS = 5;

const SOON_SECONDS = 1;

/** A holder that renews its permit may give it back at any time, long before its lease ends. */
const MOST_PERMIT_SECONDS = 30;

/** The first class that an error is an instance of counts; what is not here is a fault of the program. */
const PROBLEMS: readonly [Type<LockError>, Problem][] = [
  [
    LockTimeoutError,
    {
      type: 'urn:nestjs-locker:lock-timeout',
      title: 'Still busy after a wait',
      status: 409,
      detail: 'Somebody else is working on this, and the wait for them has ended. Try again later.',
    },
  ],
  [
    LockBusyError,
    {
      type: 'urn:nestjs-locker:lock-busy',
      title: 'Busy',
      status: 409,
      detail: 'Somebody else is working on this at the moment. Try again later.',
    },
  ],
  [
    LockStoreError,
    {
      type: 'urn:nestjs-locker:store-unreachable',
      title: 'Locks are unavailable',
      status: 503,
      detail: 'The locks that this needs are out of reach at the moment. Try again later.',
      retryAfter: STORE_RETRY_SECONDS,
    },
  ],
  [
    LockDrainingError,
    {
      type: 'urn:nestjs-locker:draining',
      title: 'Shutting down',
      status: 503,
      detail: 'This instance of the service is shutting down. Try again in a moment.',
      retryAfter: SOON_SECONDS,
    },
  ],
  [
    LockAbortedError,
    {
      type: 'urn:nestjs-locker:lock-aborted',
      title: 'Given up while waiting',
      status: 503,
      detail: 'The wait for others that work on this was ended early. Try again in a moment.',
      retryAfter: SOON_SECONDS,
    },
  ],
  [
    StaleFencingTokenError,
    {
      type: 'urn:nestjs-locker:stale-fencing-token',
      title: 'Stale fencing token',
      status: 412,
      detail:
        'Somebody else has had the lock since, so this write was refused. Look at the present state before you try again.',
    },
  ],
  [
    LockLostError,
    {
      type: 'urn:nestjs-locker:lock-lost',
      title: 'Lock lost',
      status: 500,
      detail:
        'The lock is not held any more. Work that was under way may have been done, and somebody else may have done it too: look before you repeat it.',
    },
  ],
  [
    OutcomeUnknownError,
    {
      type: 'urn:nestjs-locker:outcome-unknown',
      title: 'Unknown outcome',
      status: 409,
      detail:
        'An earlier try was begun and never told how it ended. This is not repeated until somebody has found out.',
    },
  ],
  [
    FingerprintError,
    {
      type: 'urn:nestjs-locker:fingerprint',
      title: 'Same key, other content',
      status: 422,
      detail: 'This was begun before with other content. Use another key for other work.',
    },
  ],
];

const SEMAPHORE_FULL: Problem = {
  type: 'urn:nestjs-locker:semaphore-full',
  title: 'Too many at a time',
  status: 429,
  detail: 'As many as may do this at a time are doing it already. Try again later.',
};

const RELEASE_UNANSWERED: Problem = {
  type: 'urn:nestjs-locker:release-unanswered',
  title: 'End not confirmed',
  status: 500,
  detail:
    'The work may have been done, and only its end is not confirmed. Look before you repeat it.',
};

/** The errors that have a problem; a filter's `@Catch`. */
export const ERRORS_WITH_PROBLEM: readonly (Type<LockError> | Abstract<LockError>)[] = PROBLEMS.map(
  ([errorClass]) => errorClass,
);

/**
 * What `LockExceptionFilter` tells of an error, for a filter of your own.
 *
 * @returns `undefined` for all that is no `LockError`, and for one that is a fault of the program: wrong
 *   options or names, a lock that is not held
 * @example
 * catch (error: unknown, host: ArgumentsHost) {
 *   const problem = lockProblemOf(error);
 *   if (problem) return this.reply(host, problem.status, { error: problem.code });
 * }
 */
export function lockProblemOf(error: unknown): LockProblem | undefined {
  // A wait that ended with the lock around it: that is what the caller has to know.
  if (error instanceof LockAbortedError && error.cause instanceof LockLostError) {
    return lockProblemOf(error.cause);
  }
  const found = PROBLEMS.find(([errorClass]) => error instanceof errorClass);
  if (!found) return undefined;
  const { code } = error as LockError;
  if (error instanceof LockStoreError && error.mayBeDone) return { ...RELEASE_UNANSWERED, code };
  if (error instanceof StaleFencingTokenError) {
    // Not the newest one: nobody is to try again with a token that is not his own.
    return { ...found[1], code, fencingToken: error.fencingToken };
  }
  if (!(error instanceof LockBusyError) || error.kind !== 'semaphore') return { ...found[1], code };
  return { ...SEMAPHORE_FULL, code, retryAfter: secondsToPermit(error) };
}

/** When the first of the leases ends if it is not renewed; a store of one's own may tell anything. */
function secondsToPermit({ holder }: LockBusyError): number {
  const seconds = Math.ceil((holder?.remainingMs || 0) / 1000);
  return Math.min(Math.max(seconds, SOON_SECONDS), MOST_PERMIT_SECONDS);
}
