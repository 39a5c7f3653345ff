import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LockStore, OnceRequest, Outcome, OutcomeRecord } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import { MemoryLockStore } from '../../lib/stores/memory/memory-lock.store.js';
import { RedisConnection } from '../../lib/stores/redis/redis-connection.js';
import { RedisLockStore } from '../../lib/stores/redis/redis-lock.store.js';
import { RedisServer } from '../support/redis-server.js';

const JOB = 'invoice';
const OWNERS = ['a', 'b', 'c'] as const;
const RUNS = Number(process.env['MODEL_RUNS'] ?? 60);

/** One step that anybody may take at any time, sensible or not. */
type Step =
  | { kind: 'acquire'; owner: string; waits: boolean; once: OnceRequest | undefined }
  | { kind: 'release'; owner: string; token: 'last' | 'none'; outcome: Outcome['kind'] | 'none' }
  | { kind: 'force' | 'read' }
  | { kind: 'resolve'; decision: 'processed' | 'retry'; isStale: boolean }
  | { kind: 'clear'; state: 'processed' | 'unknown' };

const owner = fc.constantFrom(...OWNERS);
const once = fc.record({
  job: fc.constant(JOB),
  fingerprint: fc.constantFrom(undefined, 'x', 'y'),
  onUnknown: fc.constantFrom('retry', 'hold', 'ask'),
  keepMs: fc.constantFrom(60_000, Infinity),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('acquire' as const),
      owner,
      waits: fc.boolean(),
      once: fc.option(once, { nil: undefined, freq: 8 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('release' as const),
      owner,
      token: fc.constantFrom('last', 'last', 'none'),
      outcome: fc.constantFrom('open', 'unbegun', 'processed', 'processed', 'none'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('force', 'read') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('resolve' as const),
      decision: fc.constantFrom('processed', 'retry'),
      isStale: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clear' as const),
      state: fc.constantFrom('processed', 'unknown'),
    }),
  },
);

/** A store, and what its tokens are called in the order in which they came. */
class Driver {
  private readonly name = `${JOB}:${randomUUID()}`;
  private readonly tokens: number[] = [0];
  private readonly last = new Map<string, number>();
  private readonly numbers = new Map<string, number>();

  constructor(private readonly store: LockStore) {}

  async take(step: Step): Promise<unknown> {
    const { store, name } = this;
    const subject = { name, kind: 'lock' } as const;
    switch (step.kind) {
      case 'acquire':
        return this.acquire(step);
      case 'release': {
        const fencingToken = step.token === 'last' ? this.last.get(step.owner) : undefined;
        const outcome = outcomeOf(step);
        // No client marks what it was never given.
        if (fencingToken === undefined && outcome?.kind === 'processed') return 'skipped';
        const found = await store.release({ ...subject, owner: step.owner, fencingToken, outcome });
        this.numbers.delete(step.owner);
        return found;
      }
      case 'force': {
        const holders = await store.forceRelease(subject);
        return holders.map(({ holder }) => holder.service);
      }
      case 'read':
        return this.told(await store.outcomes!.read(name));
      case 'resolve': {
        const { decision, isStale } = step;
        const record = await store.outcomes!.read(name);
        const fencingToken = isStale ? 7 : (record?.attempts.at(-1)?.fencingToken ?? 0);
        const holder = { service: 'somebody', host: 'h', pid: 1 };
        const asked = { name, job: JOB, fencingToken, decision, retentionMs: 60_000, holder };
        return store.outcomes!.resolve(asked);
      }
      case 'clear':
        return store.outcomes!.clear(name, JOB, step.state);
    }
  }

  /** Everything that can be seen of the name. */
  async look(): Promise<unknown> {
    const { holders, waiting } = await this.store.inspect({ name: this.name, kind: 'lock' });
    for (const { fencingToken, holder } of holders) this.last.set(holder.service, fencingToken);
    const record = this.told(await this.store.outcomes!.read(this.name));
    return { holders: holders.map(({ holder }) => holder.service), waiting, record };
  }

  /** In which lists of its job the name is. */
  async listed(): Promise<unknown> {
    return { processed: await this.isIn('processed'), begun: await this.isIn('begun') };
  }

  private async isIn(which: 'processed' | 'begun'): Promise<boolean> {
    let cursor: string | undefined;
    do {
      const page = await this.store.outcomes!.names(JOB, which, cursor);
      if (page.names.includes(this.name)) return true;
      cursor = page.cursor;
    } while (cursor !== undefined);
    return false;
  }

  private async acquire({ owner: who, waits, once: asked }: Step & { kind: 'acquire' }) {
    const number = (this.numbers.get(who) ?? 0) + 1;
    if (waits) this.numbers.set(who, number);
    const reply = await this.store.acquire({
      name: this.name,
      kind: 'lock',
      units: 0,
      permits: 0,
      tokens: 1,
      ttlMs: 600_000,
      owner: who,
      holder: { service: who, host: 'h', pid: 1 },
      once: asked,
      registration: waits ? { number, claimMs: 600_000, tokens: 1 } : undefined,
    });
    if (reply.status === 'granted') {
      this.last.set(who, reply.fencingToken);
      const { status, unknown } = reply;
      return {
        status,
        token: this.nameOf(reply.fencingToken),
        unknown: this.told(unknown ?? null),
      };
    }
    if (reply.status === 'busy') return { status: reply.status, place: waits && reply.place };
    return { status: reply.status, record: this.told(reply.record) };
  }

  private told(record: OutcomeRecord | null): unknown {
    if (!record) return null;
    const { state, job, fingerprint, result, expiresAt, processedAt, attempts } = record;
    return {
      state,
      job,
      fingerprint,
      result,
      ends: expiresAt !== null,
      done: processedAt !== null,
      attempts: attempts.map(({ fencingToken, outcome, holder }) =>
        [this.nameOf(fencingToken), outcome, holder.service].join(' '),
      ),
    };
  }

  private nameOf(token: number): number {
    if (!this.tokens.includes(token)) this.tokens.push(token);
    return this.tokens.indexOf(token);
  }
}

function outcomeOf(step: Step & { kind: 'release' }): Outcome | undefined {
  if (step.outcome === 'none') return undefined;
  if (step.outcome !== 'processed') return { kind: step.outcome, job: JOB };
  const holder = { service: step.owner, host: 'h', pid: 1 };
  return { kind: 'processed', job: JOB, holder, retentionMs: 60_000, result: `"${step.owner}"` };
}

describe('outcomes in Redis and in memory', () => {
  let server: RedisServer;
  let redis: RedisLockStore;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new RedisLockStore(new RedisConnection(server.client()), 'lock');
    await redis.connect();
  });
  afterAll(async () => {
    await redis.close();
    await server.stop();
  });

  it('are the same, whatever is done in whatever order', async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 40 }),
      async (steps) => {
        const drivers = [new Driver(redis), new Driver(new MemoryLockStore(new ManualClock()))];
        for (const each of steps) {
          const [left, right] = await Promise.all(drivers.map((driver) => driver.take(each)));
          expect({ step: each, told: left }).toEqual({ step: each, told: right });
          const [seen, other] = await Promise.all(drivers.map((driver) => driver.look()));
          expect({ step: each, seen }).toEqual({ step: each, seen: other });
        }
        const [listed, otherwise] = await Promise.all(drivers.map((driver) => driver.listed()));
        expect(listed).toEqual(otherwise);
      },
    );
    await fc.assert(property, { numRuns: RUNS });
  }, 120_000);
});
