import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { keysOf } from '../../lib/stores/redis/redis-keys.js';
import * as lua from '../../lib/stores/redis/lua.js';
import type { Subject } from '../../lib/stores/lock-store.interface.js';

export const PREFIX = 'lock';
/** Some time in 2023, in µs: tokens are as long as they are in use. */
const START_MICROS = 1_700_000_000_000_000;

export interface HolderState {
  readonly owner: string;
  readonly units: number;
  readonly token: number;
  readonly endsMs: number;
}

export interface WaiterState {
  readonly owner: string;
  readonly validUntilMs: number;
  readonly channel: string;
}

/** What the server has of a name. */
export interface NameState {
  readonly holders: readonly HolderState[];
  /** In their order. */
  readonly waiters: readonly WaiterState[];
}

export interface ScriptRun {
  readonly nowMs: number;
  readonly args: readonly string[];
  readonly before: readonly NameState[];
  readonly after: readonly NameState[];
  /** Whom PUBLISH reached when the script began. */
  readonly listening: ReadonlySet<string>;
}

/** The scripts of the library, by their names in `lua.ts`. */
export type ScriptSources = Readonly<Record<keyof typeof lua, string>>;

// Time, expiry and messages are the test's; all else is done by the server. Expiry has to be its own,
// too: a schedule of a minute takes milliseconds, in which no key of Redis would ever expire.
const SIMULATED_TIME = `
local real = redis
local micros = tonumber(real.call('GET', 'sim:now'))
local nowMs = math.floor(micros / 1000)
for _, key in ipairs(real.call('ZRANGEBYSCORE', 'sim:ends', '-inf', '(' .. string.format('%.0f', nowMs))) do
  real.call('DEL', key)
  real.call('ZREM', 'sim:ends', key)
end
local removes = { DEL = true, ZREM = true, HDEL = true }
local function simulated(how, command, key, ...)
  if command == 'TIME' then
    return { string.format('%.0f', math.floor(micros / 1000000)), string.format('%.0f', micros % 1000000) }
  elseif command == 'PEXPIRE' then
    if real.call('EXISTS', key) == 0 then return 0 end
    real.call('ZADD', 'sim:ends', string.format('%.0f', nowMs + tonumber((...))), key)
    return 1
  elseif command == 'PTTL' then
    if real.call('EXISTS', key) == 0 then return -2 end
    local ends = real.call('ZSCORE', 'sim:ends', key)
    return ends and tonumber(ends) - nowMs or -1
  elseif command == 'PUBLISH' then
    if real.call('SISMEMBER', 'sim:listening', key) == 0 then return 0 end
    real.call('RPUSH', 'sim:messages', key, (...))
    return 1
  end
  local reply = how(command, key, ...)
  if removes[command] and real.call('EXISTS', key) == 0 then real.call('ZREM', 'sim:ends', key) end
  return reply
end
local redis = {
  call = function(...) return simulated(real.call, ...) end,
  pcall = function(...) return simulated(real.pcall, ...) end,
  error_reply = real.error_reply,
}
`;

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

/** A real Redis that runs the library's scripts under a time and with messages of the test's own. */
export class SimulatedRedis {
  onRun: ((run: ScriptRun) => void) | undefined;
  onMessage: ((channel: string, message: string) => void) | undefined;
  states: readonly NameState[] = [];
  private readonly listening = new Set<string>();
  private readonly scripts = new Map<string, { source: string; sha: string }>();

  constructor(
    private readonly redis: Redis,
    private readonly subjects: readonly Subject[],
    private readonly nowMicros: () => number,
    sources: ScriptSources = lua,
  ) {
    for (const [known, source] of [
      [lua.steps, SIMULATED_TIME + sources.steps],
      [lua.renew, SIMULATED_TIME + sources.renew],
    ] as const) {
      this.scripts.set(sha1(known), { source, sha: sha1(source) });
    }
    this.states = subjects.map(() => ({ holders: [], waiters: [] }));
  }

  get nowMs(): number {
    return Math.floor(this.micros / 1_000);
  }

  private get micros(): number {
    return START_MICROS + Math.floor(this.nowMicros());
  }

  async prepare(): Promise<void> {
    await this.redis.flushall();
    for (const { source } of this.scripts.values()) await this.redis.script('LOAD', source);
  }

  async listen(channel: string): Promise<void> {
    this.listening.add(channel);
    await this.redis.sadd('sim:listening', channel);
  }

  async unlisten(channel: string): Promise<void> {
    this.listening.delete(channel);
    await this.redis.srem('sim:listening', channel);
  }

  /** What FLUSHALL does to the library. */
  async forgetAll(): Promise<void> {
    const keys = (await this.redis.keys('*')).filter((key) => key !== 'sim:listening');
    if (keys.length > 0) await this.redis.del(...keys);
    this.states = this.subjects.map(() => ({ holders: [], waiters: [] }));
  }

  /** All that is left, but for the counters of tokens. */
  async remains(): Promise<string[]> {
    await this.redis.set('sim:now', String(this.micros));
    await this.redis.eval(`${SIMULATED_TIME} return 0`, 0);
    const keys = await this.redis.keys('*');
    return keys.filter((key) => !key.endsWith(':tokens') && !key.startsWith('sim:'));
  }

  async run(sha: string, keyCount: number, keysAndArgs: readonly string[]): Promise<unknown> {
    const script = this.scripts.get(sha);
    if (!script) throw new Error('a script that the simulation does not know');
    const { nowMs } = this;
    const before = this.states;
    const listening = new Set(this.listening);
    const pipeline = this.redis.pipeline().set('sim:now', String(this.micros));
    pipeline.evalsha(script.sha, keyCount, ...keysAndArgs);
    pipeline.lrange('sim:messages', 0, -1).del('sim:messages');
    for (const subject of this.subjects) {
      const { lease, queue, waiters } = keysOf(PREFIX, subject);
      pipeline.hgetall(lease).zrange(queue, '0', '-1').hgetall(waiters);
    }
    const [, [error, reply], [, messages], , ...states] = (await pipeline.exec()) as [
      unknown,
      [Error | null, unknown],
      [null, string[]],
      unknown,
      ...[null, unknown][],
    ];
    this.states = this.subjects.map((_, i) =>
      toState(states.slice(i * 3, i * 3 + 3).map(([, value]) => value)),
    );
    const args = keysAndArgs.slice(keyCount);
    this.onRun?.({ nowMs, args, before, after: this.states, listening });
    for (let i = 0; i < messages.length; i += 2) this.onMessage?.(messages[i]!, messages[i + 1]!);
    if (error) throw error;
    return reply;
  }
}

function toState([lease, queue, waiters]: unknown[]): NameState {
  const entries = waiters as Record<string, string>;
  return {
    holders: Object.entries(lease as Record<string, string>)
      .filter(([field]) => !['waited', 'permits', 'forced'].includes(field))
      .map(([owner, record]) => {
        const [units, token, endsMs] = record.split(' ').map(Number) as [number, number, number];
        return { owner, units, token, endsMs };
      }),
    waiters: (queue as string[]).map((owner) => {
      const fields = (entries[owner] ?? '0').split(' ');
      return { owner, validUntilMs: Number(fields[0]), channel: fields[6] ?? '-' };
    }),
  };
}
