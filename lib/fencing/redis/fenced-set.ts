import { describeValue } from '../../core/describe-value.js';
import { type Duration, parseDuration } from '../../core/duration.js';
import { LockOptionsError } from '../../lock.errors.js';
import type { FencedBy } from '../fencing-token.js';
import { checkValue, FencedScript, type FencingRedis } from './fenced-script.js';
import * as lua from './lua.js';
import type { RedisValue } from '../../stores/redis/redis-script.js';

/**
 * How a fenced value is written.
 *
 * @example
 * const options: FencedSetOptions = { ttl: '1 hour', keepFence: '30 days' };
 */
export interface FencedSetOptions {
  /** When the value expires; `'keep'` leaves that as it is. As with SET, it does not expire unless told. */
  readonly ttl?: Duration | 'keep';
  /**
   * For how long the fence is remembered after its last write: longer than any writer may stand still, or
   * `Infinity`. Default `'7 days'`. A shorter one never cuts short what another call has asked for.
   */
  readonly keepFence?: Duration;
}

const setScript = new FencedScript(lua.set);

/**
 * Writes a key of your own, unless a newer fencing token has written to it: in one step, so that nothing
 * comes between the look at the token and the write.
 *
 * The newest token is kept beside the key, in the same Cluster slot, as `key:fence:{tag}`, and is as durable
 * as the key is: after FLUSHALL or an eviction (`maxmemory-policy noeviction` has none) it is forgotten, and
 * the next token counts as the newest. All that write to the key must be fenced: a plain SET asks nobody.
 *
 * @param redis your own ioredis client, of Redis or a Cluster
 * @param by the lock under which it is written, or its token
 * @throws StaleFencingTokenError if a newer token has been there, whose write stays
 * @throws LockLostError, LockReleasedError if it is fenced by a lock that is not held
 * @throws LockOptionsError if a key, value or option is wrong, as a key is whose braces name no tag: `a}b`; or
 *   if the client does not answer that it is written, as within MULTI
 * @throws the client's own error if Redis fails
 * @example
 * await locks.withLock('{account:7}', (lock) =>
 *   fencedSet(redis, '{account:7}:balance', 100, lock, { ttl: '1 day' }),
 * );
 */
export async function fencedSet(
  redis: FencingRedis,
  key: string,
  value: RedisValue,
  by: FencedBy,
  { ttl, keepFence }: FencedSetOptions = {},
): Promise<void> {
  checkValue(value, 'The value of a fenced write');
  const args = [value, ...expiryOf(ttl)];
  const answer = await setScript.run(redis, {
    keys: [key],
    args,
    by,
    ...(keepFence !== undefined && { keepFence }),
  });
  if (answer === 'OK') return;
  throw new LockOptionsError(
    `The client answers ${describeValue(answer)} to the fenced write of ${describeValue(key)}, not "OK": nobody ` +
      'knows whether it is written. Pass a client of ioredis (Redis or Cluster) as it is.',
  );
}

function expiryOf(ttl: FencedSetOptions['ttl']): RedisValue[] {
  if (ttl === undefined) return [];
  if (ttl === 'keep') return ['KEEPTTL'];
  return ['PX', parseDuration(ttl, 'Option "ttl"', { min: 1, max: Number.MAX_SAFE_INTEGER })];
}
