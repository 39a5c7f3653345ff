import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { config, lastValueFrom, toArray } from 'rxjs';
import { type LockEvent, LockService } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { errorOf, eventsOf, lockApp, lockService } from '../support/lock-service.js';
import { until } from '../support/until.js';

const ENDS = ['released', 'lost', 'release-failed'];

/** Each token's own events, in order; no event of an end without its beginning. */
function livesOf(events: readonly LockEvent[]): string[][] {
  const lives = new Map<number, string[]>();
  for (const event of events) {
    if (event.type === 'acquired') lives.set(event.fencingToken, ['acquired']);
    else if ('fencingToken' in event) lives.get(event.fencingToken)!.push(event.type);
  }
  return [...lives.values()];
}

describe('events$', () => {
  let store: TestLockStore;
  let locks: LockService;
  let events: LockEvent[];
  beforeEach(async () => {
    store = new TestLockStore();
    locks = await lockService({ store });
    events = eventsOf(locks);
  });

  const endings: [string, string, () => Promise<unknown>][] = [
    ['a release', 'released', async () => (await locks.acquire('a')).release()],
    ['work that succeeds', 'released', () => locks.withLock('a', () => 'done')],
    [
      'work that fails',
      'released',
      () => errorOf(locks.withLock('a', () => Promise.reject('own'))),
    ],
    [
      'repeated releases',
      'released',
      async () => {
        const lock = await locks.acquire('a');
        await Promise.all([lock.release(), lock.release()]);
        await lock.release();
      },
    ],
    [
      'a loss, then a release',
      'lost',
      async () => {
        const lock = await locks.acquire('a');
        await store.forceLose('a');
        await lock.release();
      },
    ],
    [
      'a loss at the deadline, then a release',
      'lost',
      async () => {
        const lock = await locks.acquire('a', { renew: false });
        await store.clock.advance('31s');
        await lock.release();
      },
    ],
    [
      'a loss that the release shows',
      'lost',
      async () => {
        const lock = await locks.acquire('a');
        await store.forceRelease({ name: 'a', kind: 'lock' });
        expect(await lock.release()).toBe('expired');
      },
    ],
    [
      'a pause past the deadline, then a release',
      'lost',
      async () => {
        const lock = await locks.acquire('a');
        store.clock.freeze('1 minute');
        await lock.release();
      },
    ],
    [
      'a release that fails, then one that succeeds',
      'release-failed',
      async () => {
        const lock = await locks.acquire('a');
        store.fail('release');
        await errorOf(lock.release());
        await lock.release();
      },
    ],
    [
      'releases that fail for longer than the lease lasts',
      'release-failed',
      async () => {
        const lock = await locks.acquire('a');
        store.fail('release', { times: 100 });
        await errorOf(lock.release());
        await errorOf(lock.release());
        await store.clock.advance('2 minutes');
      },
    ],
    ['a force', 'lost', async () => (await locks.acquire('a'), locks.forceRelease('a'))],
  ];

  it.each(endings)('tells the end of each lock once (%s)', async (_what, end, live) => {
    await live();
    await store.clock.advance('5 minutes');
    expect(livesOf(events)).toEqual([['acquired', end]]);
  });

  it('tells each end once over many locks and faults', async () => {
    const steps = ['acquire', 'renew', 'release'] as const;
    const lives = Array.from({ length: 60 }, async (_, i) => {
      const name = `n${i % 7}`;
      try {
        const lock = await locks.acquire(name, { ttl: '1s', wait: '30s', maxHold: '20s' });
        await new Promise<void>((resolve) => {
          store.clock.setTimer(resolve, (i * 137) % 3_000);
        });
        await lock.release();
      } catch {
        // Told as an event, or never held.
      }
    });
    for (let i = 0; i < 40; i++) {
      store.fail(steps[i % 3]!, {
        applied: i % 2 === 0,
        error: i % 5 ? new Error('down') : 'hang',
      });
      await store.clock.advance(700);
    }
    await store.clock.advance('2 minutes');
    await Promise.all(lives);
    const told = livesOf(events);
    expect(told.length).toBeGreaterThan(20);
    for (const life of told) {
      expect(life).toHaveLength(2);
      expect(ENDS).toContain(life[1]);
    }
    expect(locks.held()).toEqual([]);
  });

  it('tells what a lock went through', async () => {
    const lock = await locks.acquire('a');
    await store.clock.advance('1s');
    await lock.release();
    const { fencingToken } = lock;
    expect(events).toEqual([
      { type: 'acquired', name: 'a', fencingToken, waitedMs: 0 },
      { type: 'released', name: 'a', fencingToken, heldMs: 1_000 },
    ]);
  });

  it('tells a busy name, whose it is and how long was waited', async () => {
    await store.busy('a');
    expect(await locks.tryAcquire('a')).toBeNull();
    const acquire = errorOf(locks.acquire('a', { wait: '3s' }));
    await store.clock.advance('3s');
    await acquire;
    expect(events).toEqual([
      {
        type: 'busy',
        name: 'a',
        waitedMs: 0,
        holder: expect.objectContaining({ remainingMs: expect.any(Number) }),
      },
      {
        type: 'busy',
        name: 'a',
        waitedMs: 3_000,
        holder: expect.objectContaining({ since: expect.any(Date) }),
      },
    ]);
  });

  it('tells renewals that failed, and goes on renewing', async () => {
    const lock = await locks.acquire('a');
    store.fail('renew', { times: 2 });
    await store.clock.advance('2 minutes');
    expect(lock.isHeld).toBe(true);
    expect(events.map(({ type }) => type)).toEqual([
      'acquired',
      'renewal-failed',
      'renewal-failed',
    ]);
    expect(events[1]).toMatchObject({ names: ['a'], error: expect.any(Error) });
  });
});

describe('a subscriber that throws', () => {
  const reported: unknown[] = [];
  beforeEach(() => {
    reported.length = 0;
    config.onUnhandledError = (error) => reported.push(error);
  });
  afterEach(() => {
    config.onUnhandledError = null;
  });

  it('harms neither locking nor other subscribers', async () => {
    const locks = await lockService({ store: new TestLockStore() });
    const own = new Error('in a subscriber');
    const before = eventsOf(locks);
    locks.events$.subscribe(() => {
      throw own;
    });
    const after = eventsOf(locks);
    expect(await locks.withLock('a', () => 'done')).toBe('done');
    await (await locks.acquire('a')).release();
    for (const events of [before, after]) {
      expect(events.map(({ type }) => type)).toEqual([
        'acquired',
        'released',
        'acquired',
        'released',
      ]);
    }
    await until(() => reported.length > 0, { what: 'rxjs has reported it' });
    expect(reported[0]).toBe(own);
  });
});

describe('at shutdown', () => {
  it('events$ completes, after the last of them', async () => {
    const store = new TestLockStore();
    const app = await lockApp({ store });
    const locks = app.get(LockService);
    const all = lastValueFrom(locks.events$.pipe(toArray()));
    await locks.acquire('a');
    const closing = app.close();
    await store.clock.advance(0);
    await closing;
    expect((await all).map(({ type }) => type)).toEqual(['acquired', 'lost']);
  });
});
