import { LockOptionsError } from '../lock.errors.js';
import type { NameKind } from '../stores/lock-store.interface.js';
import type { LeaseTerms } from './lease.js';
import type { Tenure } from './tenure.js';

const VERSION = 'nestjs-locker.1.';

/** What of one name travels to another process; the owner in it is a secret. */
export interface DetachedLease {
  readonly name: string;
  readonly kind: NameKind;
  readonly units: number;
  readonly owner: string;
  /** The lease's own token, and the holder's. */
  readonly tokens: readonly [lease: number, holder: number];
  readonly ttlMs: number;
  readonly minHoldMs: number;
  /** `null` where it has no bound, which JSON cannot say. */
  readonly maxHoldMs: number | null;
  readonly renew: boolean;
  /** By the wall clock, in ms since 1970: the time on the way counts towards `maxHoldMs`. */
  readonly detachedAt: number;
}

/** A lock as text, for `attach`. */
export function pack(tenures: readonly Tenure[]): string {
  const leases = tenures.map(({ lease, fencingToken }): DetachedLease => {
    const { name, kind, units, owner } = lease;
    const { ttlMs, minHoldMs, maxHoldMs, renew } = lease.terms;
    const tokens = [lease.fencingToken, fencingToken] as const;
    const bound = Number.isFinite(maxHoldMs) ? maxHoldMs : null;
    const terms = { ttlMs, minHoldMs, maxHoldMs: bound, renew, detachedAt: Date.now() };
    return { name, kind, units, owner, tokens, ...terms };
  });
  return VERSION + Buffer.from(JSON.stringify(leases)).toString('base64url');
}

/** @throws LockOptionsError if it is no text of `pack`; never shows the text, which is a secret */
export function unpack(text: string): DetachedLease[] {
  try {
    if (!text.startsWith(VERSION)) throw new Error('not of this version');
    const json = Buffer.from(text.slice(VERSION.length), 'base64url').toString();
    const leases = JSON.parse(json) as DetachedLease[];
    if (leases.length > 0 && leases.every(isWhole)) return leases;
    throw new Error('not whole');
  } catch {
    throw new LockOptionsError(
      'attach: this is no text that detach() of this version has given. Hand it over unchanged and whole.',
    );
  }
}

export function termsOf(lease: DetachedLease): LeaseTerms {
  const { ttlMs, minHoldMs, renew, detachedAt } = lease;
  const onTheWayMs = Math.max(0, Date.now() - detachedAt);
  const maxHoldMs = lease.maxHoldMs === null ? Infinity : lease.maxHoldMs - onTheWayMs;
  return { ttlMs, minHoldMs, maxHoldMs, renew, passesLeft: 0 };
}

function isWhole(lease: DetachedLease): boolean {
  const { name, kind, units, owner, tokens, ttlMs, minHoldMs, detachedAt } = lease;
  const texts: unknown[] = [name, kind, owner];
  const numbers: unknown[] = [units, ttlMs, minHoldMs, detachedAt, ...tokens];
  return (
    texts.every((each) => typeof each === 'string') &&
    numbers.every((each) => typeof each === 'number') &&
    tokens.length === 2
  );
}
