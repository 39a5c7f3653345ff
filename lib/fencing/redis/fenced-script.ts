import { describeValue } from '../../core/describe-value.js';
import { type Duration, parseDuration } from '../../core/duration.js';
import { LockOptionsError, StaleFencingTokenError } from '../../lock.errors.js';
import {
  RedisScript,
  type RedisValue,
  type ScriptClient,
} from '../../stores/redis/redis-script.js';
import { type FencedBy, fencingTokenOf } from '../fencing-token.js';
import { fenceKeyOf } from './fence-key.js';
import * as lua from './lua.js';
import { rejection } from '../rejection.js';

/**
 * Your own client: `Redis` or `Cluster` of ioredis 5 or 6, with or without `keyPrefix`. No pipeline: what it
 * refuses would be told too late.
 *
 * @example
 * const redis: FencingRedis = new Redis('redis://localhost:6379');
 */
export interface FencingRedis extends ScriptClient {
  readonly options?: { readonly keyPrefix?: string };
}

/**
 * One run of a fenced script.
 *
 * @example
 * const call: FencedScriptCall = { keys: ['{account:7}:balance'], args: [-100], by: lock };
 */
export interface FencedScriptCall {
  /** The script's `KEYS`; on a Cluster all in one slot. */
  readonly keys: readonly string[];
  /** The script's `ARGV`. */
  readonly args?: readonly RedisValue[];
  /** The lock under which it is done, or its token. */
  readonly by: FencedBy;
  /**
   * What the newest token is remembered of, if not of each of the keys: a name in the same slot, under which
   * everything that writes to these keys is fenced.
   */
  readonly fence?: string;
  /**
   * For how long a fence is remembered after its last write: longer than any writer may stand still, or
   * `Infinity`. Default `'7 days'`. A shorter one never cuts short what another call has asked for.
   */
  readonly keepFence?: Duration;
}

const STALE = /^NESTJS_LOCKER_STALE (\d+) (\d+)/;

/** On one line, so that the lines that Redis tells with an error are those of the user's script. */
const GUARD = lua.guard.replace(/--.*/g, '').trim().replace(/\s+/g, ' ');

/**
 * A Lua script of your own that runs only if no newer fencing token has been seen: the look at the token and
 * the script are one step, and nothing comes between them.
 *
 * It is written as if it were alone: `KEYS` and `ARGV` are its own, `return` ends it, a `#!lua` line stays
 * first, and its errors and replies come through as they are. The token counts as seen from the start of a
 * run, even if the script then fails: that a newer holder is there is true all the same. So read in it too
 * what you are going to write: from then on no older holder gets in between.
 *
 * Each key has its fence beside it, as `key:fence:{tag}`: all are compared before any is raised. Fences are as
 * durable as the keys are: FLUSHALL, an eviction (`maxmemory-policy noeviction` has none) or a DEL forget
 * them, and the next token counts as the newest.
 *
 * @throws LockOptionsError if it is no script, or has the flag `no-writes`: raising the fence is a write
 * @example
 * const withdraw = new FencedScript(`
 *   if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then return nil end
 *   return redis.call('DECRBY', KEYS[1], ARGV[1])`);
 * await withdraw.run(redis, { keys: ['{account:7}:balance'], args: [100], by: lock });
 */
export class FencedScript {
  private readonly script: RedisScript;

  constructor(source: string) {
    if (typeof source !== 'string' || source.trim() === '') {
      throw new LockOptionsError(
        `The fenced script is ${describeValue(source)}; pass the text of a Lua script.`,
      );
    }
    const [shebang = ''] = /^#!.*\n/.exec(source) ?? [];
    if (/\bno-writes\b/.test(shebang)) {
      throw new LockOptionsError(
        'The fenced script has the flag no-writes, but raising the fence is a write: leave the flag out.',
      );
    }
    this.script = new RedisScript(`${shebang}${GUARD} ${source.slice(shebang.length)}`);
  }

  /**
   * Runs the script. When a lost connection takes the answer along, ioredis sends it again: let a script that
   * adds recognise an operation that is done.
   *
   * @returns what the script answers
   * @throws StaleFencingTokenError if one of the fences has seen a newer token; the script has not run
   * @throws LockLostError, LockReleasedError if it is fenced by a lock that is not held
   * @throws LockOptionsError if something of the call is wrong, or if the answer is QUEUED, as within MULTI
   * @throws the client's own error for everything else, such as `CROSSSLOT` for keys of several slots
   */
  async run(redis: FencingRedis, call: FencedScriptCall): Promise<unknown> {
    checkClient(redis);
    const { keys, args = [], by, fence, keepFence = '7 days' } = call;
    checkKeys(keys, fence);
    args.forEach((value, i) => checkValue(value, `args[${i}] of a fenced script`));
    const keepMs = parseDuration(keepFence, 'Option "keepFence"', {
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      infinity: true,
    });
    const fenced = fence === undefined ? keys : [fence];
    const tokens = fenced.map((name) => fencingTokenOf(by, name));
    const fences = fenced.map((name) => fenceKeyOf(name, redis.options?.keyPrefix));
    const keep = keepMs === Infinity ? '' : keepMs;
    const answer = await this.script
      .run(redis, [...keys, ...fences], [...args, ...tokens, keep, fences.length])
      .catch((error: unknown) => {
        const [, newest, number] = STALE.exec((error as Error).message) ?? [];
        if (newest === undefined) throw error;
        const i = Number(number) - 1;
        const seen = Number(newest);
        throw rejection(
          'redis',
          new StaleFencingTokenError(fenced[i]!, tokens[i]!, seen, { cause: error }),
        );
      });
    if (answer !== 'QUEUED') return answer;
    // No client tells that MULTI is open on it, and a script's text looks the same. A write that was only put off
    // must not pass for done; a script can answer another word.
    throw new LockOptionsError(
      'The fenced script was answered QUEUED, as within MULTI: it has not run, and EXEC would tell too late that ' +
        'it was refused. Pass a client without MULTI; if the script itself answers "QUEUED", let it answer another word.',
    );
  }
}

/** @throws LockOptionsError unless Redis can store it */
export function checkValue(value: unknown, what: string): void {
  if (typeof value === 'string' || Buffer.isBuffer(value) || Number.isFinite(value)) return;
  throw new LockOptionsError(
    `${what} is ${describeValue(value)}; pass a text, a Buffer or a finite number, and anything else as ` +
      'JSON.stringify(value).',
  );
}

function checkClient(redis: unknown): void {
  const isClient = typeof (redis as FencingRedis | undefined)?.evalsha === 'function';
  if (isClient && !('isPipeline' in (redis as object))) return;
  throw new LockOptionsError(
    `A fenced write goes to a client of ioredis (Redis or Cluster), not to ${describeValue(redis)}: ` +
      'a pipeline or transaction would tell too late that it was refused.',
  );
}

function checkKeys(keys: unknown, fence: unknown): void {
  if (!Array.isArray(keys)) {
    throw new LockOptionsError(
      `The keys of a fenced script are ${describeValue(keys)}; pass a list: ['{account:7}:balance'].`,
    );
  }
  if (keys.length === 0 && fence === undefined) {
    throw new LockOptionsError(
      'A fenced script has no keys; say with "fence" what its token is remembered of.',
    );
  }
  const names: unknown[] = fence === undefined ? keys : [...keys, fence];
  const wrong = names.findIndex((name) => typeof name !== 'string' || name === '');
  if (wrong >= 0) {
    throw new LockOptionsError(
      `A key of a fenced write is ${describeValue(names[wrong])}; pass a text that is not empty.`,
    );
  }
}
