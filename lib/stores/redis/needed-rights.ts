import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A command that scripts use, and how it is tried: `h`, `s`, `t`, `x` and `z` stand for keys, `c` for a channel. */
type Trial = readonly [command: string, ...args: string[]];

const COMMON: readonly Trial[] = [
  ['SET', 's', '1', 'PX', '1000'],
  ['GET', 's'],
  ['EXISTS', 's'],
  ['PEXPIRE', 's', '1000'],
  ['PTTL', 's'],
  ['PERSIST', 's'],
  ['TIME'],
  ['ZADD', 'z', '1', 'a'],
  ['ZRANGE', 'z', '0', '0'],
  ['ZSCORE', 'z', 'a'],
  ['ZCARD', 'z'],
  ['ZREM', 'z', 'a'],
  ['ZREMRANGEBYSCORE', 'z', '0', '0'],
  ['ZSCAN', 'z', '0'],
];

/** What the scripts of one deployment run. */
export const SCRIPT_TRIALS: readonly Trial[] = [
  ...COMMON,
  ['HSET', 'h', 'a', '1'],
  ['HGET', 'h', 'a'],
  ['HMGET', 'h', 'a'],
  ['HGETALL', 'h'],
  ['HDEL', 'h', 'a'],
  ['ZRANK', 'z', 'a'],
];

/** What the scripts of a node of a quorum run. */
export const NODE_SCRIPT_TRIALS: readonly Trial[] = [
  ...COMMON,
  ['PEXPIREAT', 's', '9999999999999'],
  ['ZCOUNT', 'z', '0', '1'],
  ['SADD', 't', 'a'],
  ['SSCAN', 't', '0'],
  ['SREM', 't', 'a'],
  ['INFO', 'server'],
];

/** For what processes report of themselves. */
export const REPORT_TRIALS: readonly Trial[] = [
  ['XADD', 'x', '*', 'a', '1'],
  ['XREVRANGE', 'x', '+', '-', 'COUNT', '1'],
  ['ZREMRANGEBYRANK', 'z', '0', '0'],
  ['UNLINK', 'x'],
];

/** Locks do without. */
const LESSER_TRIALS: readonly Trial[] = [['WAIT', '0', '1'], ...REPORT_TRIALS];

/** What a Cluster's client says by itself: without it nothing can be done while a slot moves. */
export const CLUSTER_TRIALS: readonly Trial[] = [
  ['ASKING'],
  ['CLUSTER', 'SLOTS'],
  ['CLUSTER', 'INFO'],
];

/** What is asked of one deployment outside of scripts. */
export const DIRECT_TRIALS: readonly Trial[] = [
  ['ZADD', 'z', '1', 'a'],
  ['ZRANGEBYSCORE', 'z', '0', '1'],
  ['ZREMRANGEBYSCORE', 'z', '0', '1'],
  ['DEL', 'z'],
  ...LESSER_TRIALS,
];

/** Those that locks do without: waiters that are not told ask. */
export function isLesserRight(rule: string): boolean {
  return rule.startsWith('&') || LESSER_TRIALS.some(([command]) => rule === ruleOf(command));
}

/** What is needed of a server. */
export interface NeededRights {
  readonly inScripts: readonly Trial[];
  readonly direct: readonly Trial[];
  readonly publish: 'PUBLISH' | 'SPUBLISH';
}

/** Each is taken, whatever becomes of the others; nothing is left behind. */
const SCRIPT = `
local refused = {}
for i = 1, #ARGV do
  local reply = redis.pcall(unpack(cjson.decode(ARGV[i])))
  refused[i] = type(reply) == 'table' and reply.err or ''
end
return refused`;

/**
 * What the user of a connection lacks, as ACL rules: each command is tried on keys of its own, since a user that
 * has few rights may not ask what they are.
 *
 * @param root what the keys begin with: the prefix, and on a Cluster the tag of a slot of this server
 */
export async function missingRights(
  client: Redis,
  prefix: string,
  root: string,
  { inScripts, direct, publish }: NeededRights,
): Promise<string[]> {
  const place = `${root}probe:${randomUUID()}:`;
  const fill = ([command, ...args]: Trial): string[] => [
    command,
    ...args.map((arg) => (/^[hstxz]$/.test(arg) ? place + arg : arg === 'c' ? `${place}c` : arg)),
  ];
  const keys = ['h', 's', 'z', 't'].map((letter) => place + letter);
  const trials = [...inScripts, [publish, 'c', ''] as Trial, ['DEL', 'h', 's', 'z', 't'] as Trial];
  const missing = new Set<string>();
  const judge = (command: string, refusal: string): void => {
    const rule = ruleFor(command, refusal, prefix);
    if (rule) missing.add(rule);
  };

  const lines = trials.map((trial) => JSON.stringify(fill(trial)));
  try {
    const refusals = (await client.eval(SCRIPT, keys.length, ...keys, ...lines)) as string[];
    refusals.forEach((refusal, i) => judge(trials[i]![0], refusal));
  } catch (error) {
    judge('EVAL', (error as Error).message);
  }
  const asked = direct.map(async (trial) => {
    const [command, ...args] = fill(trial) as [string, ...string[]];
    // Of all that CLUSTER can do, no more than this.
    const right = command === 'CLUSTER' ? `${command}|${args[0]}` : command;
    await client.call(command, args).catch((error: Error) => judge(right, error.message));
  });
  await Promise.all([
    ...asked,
    client.evalsha('0'.repeat(40), 0).catch((error: Error) => judge('EVALSHA', error.message)),
  ]);
  // Where UNLINK is not allowed, its key is there still.
  await client.del(`${place}x`, `${place}z`).catch(() => undefined);
  return [...missing].sort();
}

/** Whether it is for want of rights; before Redis 7.2 scripts have words of their own. */
export const isRefusal = (message: string): boolean =>
  /\bNOPERM\b|ACL failure|The user executing the script/.test(message);

/** Servers do not always name the command. */
function ruleFor(command: string, refusal: string, prefix: string): string | undefined {
  if (!isRefusal(refusal)) return undefined;
  if (/channel/i.test(refusal)) return `&${prefix}:*`;
  if (/\bkeys?\b/i.test(refusal)) return `~${prefix}:*`;
  return ruleOf(command);
}

const ruleOf = (command: string): string => `+${command.toLowerCase()}`;
