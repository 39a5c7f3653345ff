import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  Job,
  JobLockManager,
  type LockEvent,
  LockLostError,
  LockReleasedError,
  LockService,
  type OutcomeRecord,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { errorOf, eventsOf, lockApp, watch } from '../support/lock-service.js';
import { until } from '../support/until.js';

const NAME = 'invoice:1';
const JOB = new Job<number>({ name: 'invoice', onUnknown: 'hold' });

describe('at the edges of what is done once', () => {
  let store: TestLockStore;
  let locks: LockService;
  let manager: JobLockManager;
  let events: LockEvent[];
  beforeEach(async () => {
    store = new TestLockStore();
    const app = await lockApp({ store, ttl: '10s' });
    locks = app.get(LockService);
    manager = app.get(JobLockManager);
    events = eventsOf(locks);
  });

  const kinds = () => events.map(({ type }) => type);
  const stateOf = async (name = NAME) => (await locks.outcomes.of(name))?.state;
  const makeUnknown = async (name = NAME) => {
    const lost = locks.once(name, async (lock) => {
      await store.forceLose(name);
      lock.assertHeld();
    });
    await expect(lost).rejects.toThrow(LockLostError);
    await store.free(name);
  };

  it('is processed when the work has returned, whoever has joined its lock and is still at it', async () => {
    let joined: Awaited<ReturnType<LockService['acquire']>> | undefined;
    const done = await locks.once(NAME, async () => {
      joined = await locks.acquire(NAME);
      void joined.signal;
    });
    expect(done.status).toBe('executed');
    expect(await stateOf()).toBe('processed');
    expect(joined!.isHeld).toBe(false);
    expect(joined!.signal.reason).toBeInstanceOf(LockReleasedError);
    expect(kinds()).toEqual(['acquired', 'released', 'processed']);
    expect(await joined!.release().catch(() => 'refused')).not.toBe('released');
  });

  it('is open after a throw, whoever has joined its lock', async () => {
    const failing = locks.once(NAME, async () => {
      await locks.acquire(NAME);
      throw new Error('mine');
    });
    await expect(failing).rejects.toThrow('mine');
    expect(await locks.outcomes.of(NAME)).toBeNull();
  });

  it('cannot be released by the work, which would tell no outcome', async () => {
    const done = await locks.once(NAME, (lock) => errorOf(lock.release()));
    expect(String(done.result)).toContain('is held to do something once');
    expect(await stateOf()).toBe('processed');
  });

  // So many turns of the queue of microtasks after the answer: whoever waits for it is one of them.
  const turns = Array.from({ length: 12 }, (_, i) => i);
  it.each(turns)(
    'leaves nobody behind a grant whose caller gives up as it comes (%d)',
    async (turn) => {
      const abort = new AbortController();
      const acquire = store.acquire.bind(store);
      jest.spyOn(store, 'acquire').mockImplementation((request) => {
        const reply = acquire(request);
        const after = (left: number): void =>
          left === 0 ? abort.abort('gone') : queueMicrotask(() => after(left - 1));
        void reply.then(() => after(turn));
        return reply;
      });
      const { signal } = abort;
      const tried = watch(locks.tryAcquire('a', { signal }).then((lock) => lock?.release()));
      const once = watch<unknown>(locks.once(NAME, () => undefined, { wait: 0, signal }));
      await until(() => tried.settled && once.settled, { what: 'both are settled' });
      const holders = async (name: string) =>
        (await store.inspect({ name, kind: 'lock' })).holders.length;
      await until(
        async () => {
          await store.clock.advance(1);
          return (await holders('a')) + (await holders(NAME)) + locks.held().length === 0;
        },
        { what: 'nobody has either' },
      );
      const count = (type: string): number => kinds().filter((kind) => kind === type).length;
      expect(count('released')).toBe(count('acquired'));
      expect(await stateOf()).toBe(once.error ? undefined : 'processed');
    },
  );

  it('stays unknown after an error of which that was said, though the lock was held', async () => {
    const unknownIf = (error: unknown) => (error as Error).message === 'no answer';
    const fails = (message: string) =>
      locks.once(NAME, () => Promise.reject(new Error(message)), { unknownIf });
    await expect(fails('refused')).rejects.toThrow('refused');
    expect(await locks.outcomes.of(NAME)).toBeNull();
    await expect(fails('no answer')).rejects.toThrow('no answer');
    expect(await stateOf()).toBe('unknown');
    expect(await locks.inspect(NAME)).toBeNull();
    expect(await manager.lock(JOB, 1)).toBe(false);
    const throwing = (error: unknown) => (error as Error).message.at(-1)!.length === 1;
    const nothing = locks.once('invoice:2', () => Promise.reject(new Error('')), {
      unknownIf: throwing,
    });
    await expect(nothing).rejects.toThrow(new Error(''));
    expect(locks.held()).toEqual([]);
    expect(await stateOf('invoice:2')).toBe('unknown'); // nobody could tell
    await expect(locks.once(NAME, () => 1, { unknownIf: 'always' as never })).rejects.toThrow(
      '"unknownIf" is "always"',
    );
  });

  it('stays unknown where the job says so when it unlocks', async () => {
    expect(await manager.lock(JOB, 1)).toBe(true);
    await expect(manager.unlock(JOB, 1, 'lost' as never)).rejects.toThrow("'open' or 'unknown'");
    expect(await manager.unlock(JOB, 1, 'unknown')).toBe('released');
    expect(await stateOf()).toBe('unknown');
    expect(await manager.lock(JOB, 1)).toBe(false);
    expect(await manager.resolve(JOB, 1, 'retry')).toBe(true);
    expect(await manager.lock(JOB, 1)).toBe(true);
  });

  it('is decided for the attempt that was looked at, and not for one begun since', async () => {
    await makeUnknown();
    const looked = (await locks.outcomes.of(NAME))!;
    expect(await locks.outcomes.resolve(looked, 'retry')).toBe(true);
    await makeUnknown();
    expect(await locks.outcomes.resolve(looked, 'retry')).toBe(false);
    expect(await manager.resolve(JOB, 1, 'processed', looked)).toBe(false);
    expect(await stateOf()).toBe('unknown');
    expect(await manager.resolve(JOB, 1, 'processed')).toBe(true);
    expect(await stateOf()).toBe('processed');
  });

  it('tells a mark that could not be told as the cause of the loss, and goes on telling', async () => {
    const call = watch(
      locks.once(NAME, async (lock) => {
        await store.forceLose(NAME);
        store.fail('release', { times: 3 });
        expect(lock.isHeld).toBe(false);
        return 'done';
      }),
    );
    await until(() => call.settled, { what: 'it has failed' });
    expect(call.error).toMatchObject({ result: 'done', cause: { code: 'LOCK_STORE_UNREACHABLE' } });
    expect(String(call.error)).toContain('not marked as processed yet');
    await until(
      async () => store.clock.advance('1s').then(async () => (await stateOf()) === 'processed'),
      {
        what: 'it is marked',
      },
    );
    expect(events.at(-1)).toMatchObject({ type: 'processed', isLate: true });
  });

  it('ends as the first attempt did where there can be no second one', async () => {
    const undo = jest.fn(() => 'undone');
    const retry = { attempts: 3, backoff: 10 };
    const lose = async () => {
      await store.forceLose(NAME); // somebody else is at it from now on
      return 'done';
    };
    const call = watch(locks.withLock(NAME, lose, { wait: 0, retry }));
    await until(async () => store.clock.advance(10).then(() => call.settled), { what: 'it fails' });
    expect(call.error).toMatchObject({ result: 'done', cause: { code: 'LOCK_BUSY' } });
    await store.free(NAME);
    const other = watch(locks.withLock(NAME, lose, { wait: 0, retry, compensate: undo }));
    await until(async () => store.clock.advance(10).then(() => other.settled), { what: 'it ends' });
    expect(other.value).toBe('undone');
    expect(undo).toHaveBeenCalledTimes(1);
  });

  it('does not begin under a lock that was lost while it was decided upon', async () => {
    await makeUnknown();
    const work = jest.fn();
    const onUnknown = async () => {
      await store.clock.advance('11s');
      return 'retry' as const;
    };
    store.fail('renew', { times: 100 });
    await expect(locks.once(NAME, work, { onUnknown })).rejects.toThrow(LockLostError);
    expect(work).not.toHaveBeenCalled();
    expect(await stateOf()).toBe('unknown');
  });

  it('tells those of a batch that could not be decided upon, and gives the others', async () => {
    const asking = new Job<number>({
      name: 'invoice',
      onUnknown: ({ element }) => {
        if (element === 1) throw new Error('the other side is down');
        return 'retry';
      },
    });
    await makeUnknown('invoice:1');
    await makeUnknown('invoice:2');
    const batch = await manager.lockAll(asking, [1, 2, 3]);
    expect(batch).toMatchObject({ granted: [2, 3], failed: [{ element: 1 }] });
    expect(String(batch.failed[0]!.error)).toContain('the other side is down');
    expect(await stateOf('invoice:1')).toBe('unknown');
    await expect(manager.lock(asking, 1)).rejects.toThrow('the other side is down');
  });

  it('is listed by what it is called beside its hash tag', async () => {
    for (const tag of ['a', 'b', '7']) await locks.once(`{${tag}}:invoice:1`, () => undefined);
    const found: OutcomeRecord[] = [];
    for await (const record of locks.outcomes.list('invoice')) found.push(record);
    expect(found.map(({ name }) => name).sort()).toEqual([
      '{7}:invoice:1',
      '{a}:invoice:1',
      '{b}:invoice:1',
    ]);
  });
});
