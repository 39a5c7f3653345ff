import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';
import { ownTag } from '../../stores/redis/redis-keys.js';

/**
 * Where the newest token of a key is kept: beside it, in its Cluster slot. A key without a `{tag}` becomes the
 * tag itself. It begins with the key, so that a prefix in front of both leaves it where it is: one key has one
 * fence, however the client splits it.
 *
 * @param keyPrefix what ioredis puts in front of both, and Redis hashes too
 * @throws LockOptionsError if no key with a tag shares the slot: a brace of its own would end that tag early
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */
export function fenceKeyOf(key: string, keyPrefix = ''): string {
  const hashed = hashedPartOf(keyPrefix + key);
  const fence = `${key}:fence:{${hashed}}`;
  // On every deployment, so that what works on a single server goes on to work on a Cluster.
  if (hashedPartOf(keyPrefix + fence) === hashed) return fence;
  const prefixed = keyPrefix ? ` (after the client's keyPrefix ${describeValue(keyPrefix)})` : '';
  throw new LockOptionsError(
    `The key ${describeValue(key)}${prefixed} cannot be fenced: its braces let no other key share its slot in a ` +
      `Redis Cluster. Put a tag before every other brace, as in '{account:7}:balance', or leave the braces out.`,
  );
}

/** What decides the slot: between the first "{" and the next "}", unless that is nothing. */
function hashedPartOf(key: string): string {
  return ownTag(key) ?? key;
}
