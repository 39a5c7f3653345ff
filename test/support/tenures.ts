import type { Clock } from '../../lib/core/clock.js';
import { Lease, type LeaseGrant, type LeaseTerms } from '../../lib/core/lease.js';
import { Tenure } from '../../lib/core/tenure.js';

/** A grant of the exclusive lock "a", sent now, for 30 s. */
export function grantOf(clock: Clock, part: Partial<LeaseGrant> = {}): LeaseGrant {
  const { fencingToken = 7, sentAt = clock.now() } = part;
  return {
    name: 'a',
    kind: 'lock',
    units: 0,
    owner: 'me',
    fencingToken,
    lastToken: fencingToken,
    isWaitedFor: false,
    sentAt,
    lengthMs: 30_000,
    beganAt: sentAt,
    ...part,
  };
}

/** Terms of 30 s, renewed without a bound, not passed on. */
export function termsOf(part: Partial<LeaseTerms> = {}): LeaseTerms {
  const usual = { ttlMs: 30_000, maxHoldMs: Infinity, minHoldMs: 0, renew: true, passesLeft: 0 };
  return { ...usual, ...part };
}

/** A tenure of a lease of its own: what loses the lease loses the tenure. */
export function tenureOf(
  clock: Clock,
  grant: Partial<LeaseGrant> = {},
  terms: Partial<LeaseTerms> = {},
): Tenure {
  const lengthMs = terms.ttlMs ?? 30_000;
  const lease = new Lease(
    grantOf(clock, { lengthMs, ...grant }),
    termsOf(terms),
    clock,
    (_lease, reason) => tenure.lose(reason, () => undefined),
  );
  const tenure = new Tenure(lease, lease.fencingToken, lease.beganAt, clock);
  return tenure;
}
