import { refuseNoObject, refuseUnknownOptions } from '../../core/acquire-options.js';
import { describeValue } from '../../core/describe-value.js';
import { checkLockName } from '../../core/lock-name.js';
import { LockOptionsError } from '../../lock.errors.js';
import type { Subject } from '../../stores/lock-store.interface.js';
import type { ReportedName } from '../../stores/report.interface.js';
import { searchOf } from './name-search.js';
import type { HeldQuery } from './overview.interface.js';

/** A query, checked. */
export interface ResolvedHeldQuery {
  readonly isAsked: (name: ReportedName) => boolean;
  /** Whether names are left out. */
  readonly isSearch: boolean;
  readonly after: ReportedName | undefined;
  readonly limit: number;
}

const QUERY = new Set(['kind', 'search', 'cursor', 'limit']);
const KINDS: readonly unknown[] = ['lock', 'semaphore'];

/** @throws LockOptionsError for a value that is none */
export function resolveQuery(query: HeldQuery): ResolvedHeldQuery {
  refuseUnknownOptions(query, QUERY, 'held()');
  const { kind, search, cursor, limit = 50 } = query;
  if (kind !== undefined && !KINDS.includes(kind)) {
    throw new LockOptionsError(
      `held(): "kind" is ${describeValue(kind)}; write 'lock' or 'semaphore', or leave it out.`,
    );
  }
  const finds = search === undefined || search === '' ? undefined : searchOf(search);
  return {
    isAsked: (name) => (kind ?? name.kind) === name.kind && (finds?.(name.name) ?? true),
    isSearch: kind !== undefined || finds !== undefined,
    after: cursor === undefined ? undefined : parseCursor(cursor),
    limit: checkLimit(limit, 500, 'held(): "limit"'),
  };
}

/** @throws LockOptionsError if it is no whole number from 1 to `most` */
export function checkLimit(limit: unknown, most: number, what: string): number {
  if (Number.isInteger(limit) && (limit as number) >= 1 && (limit as number) <= most) {
    return limit as number;
  }
  throw new LockOptionsError(
    `${what} is ${describeValue(limit)}; write a whole number from 1 to ${most}.`,
  );
}

/** @throws LockKeyError, LockOptionsError if the name or the kind is none */
export function checkSubject(subject: Subject, what: string): Subject {
  refuseNoObject(subject, what);
  const { name, kind } = subject;
  if (KINDS.includes(kind)) return { name: checkLockName(name), kind };
  throw new LockOptionsError(
    `${what}: "kind" is ${describeValue(kind)}; write 'lock' or 'semaphore'.`,
  );
}

/** A text that goes into any URL. */
export function cursorAt({ fencingToken, kind, name }: ReportedName): string {
  return Buffer.from(JSON.stringify([fencingToken, kind, name])).toString('base64url');
}

function parseCursor(cursor: unknown): ReportedName {
  try {
    const text = Buffer.from(cursor as string, 'base64url').toString();
    const [fencingToken, kind, name] = JSON.parse(text) as [number, Subject['kind'], string];
    if (Number.isFinite(fencingToken) && KINDS.includes(kind) && typeof name === 'string') {
      return { fencingToken, kind, name };
    }
  } catch {
    // and so it is none
  }
  throw new LockOptionsError(
    `held(): "cursor" is ${describeValue(cursor)}; write that of the page before.`,
  );
}
