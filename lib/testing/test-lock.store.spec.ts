import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { resolveModuleOptions } from '../lock-module-options.js';
import { LockBusyError, LockLostError, LockStoreError } from '../lock.errors.js';
import { LockService } from '../lock.service.js';
import { type FailableStep, TestLockStore } from './test-lock.store.js';

const A = { name: 'a', kind: 'lock' } as const;

describe('TestLockStore', () => {
  let store: TestLockStore;
  let locks: LockService;
  beforeEach(() => {
    Logger.overrideLogger(false);
    store = new TestLockStore();
    locks = new LockService(resolveModuleOptions({ store }));
  });
  afterEach(async () => {
    const closing = locks.onModuleDestroy();
    await store.clock.advance('1 minute');
    await closing;
  });

  const failureOf = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error: unknown) => error,
    );

  describe('busy and free', () => {
    it('have somebody else hold a name, however much time passes', async () => {
      await store.busy('a');
      await store.clock.advance('10 days');
      expect(await locks.tryAcquire('a')).toBeNull();
      expect(await locks.inspect('a')).toMatchObject({ holder: { service: 'somebody-else' } });
      expect(await failureOf(locks.acquire('a', { wait: 0 }))).toBeInstanceOf(LockBusyError);
      expect(await locks.tryAcquire('b')).not.toBeNull();
      await store.free('a');
      expect(await locks.tryAcquire('a')).not.toBeNull();
    });

    it('let a waiter have the name', async () => {
      await store.busy('a');
      const waiting = locks.acquire('a');
      await store.clock.advance('1s');
      await store.free('a');
      await store.clock.advance('1s');
      expect((await waiting).isHeld).toBe(true);
    });

    it('refuse what makes no sense', async () => {
      await locks.acquire('a');
      await expect(store.busy('a')).rejects.toThrow('busy("a"): it is held already');
      await store.busy('b');
      await expect(store.busy('b')).rejects.toThrow('held already');
      await store.free('a');
      await store.free('nobody holds this');
      expect(locks.held()).toHaveLength(1);
    });
  });

  describe('forceLose', () => {
    it('loses a lock to somebody else, and waits until its holder has noticed', async () => {
      const lock = await locks.acquire('a');
      await store.forceLose('a');
      expect(lock.signal.aborted).toBe(true);
      expect(lock.signal.reason).toMatchObject({ reason: 'taken-over' });
      expect(await locks.inspect('a')).toMatchObject({ holder: { service: 'somebody-else' } });
      await store.free('a');
      expect(await locks.tryAcquire('a')).not.toBeNull();
    });

    it('works on a lock without renewal, and inside the work under it', async () => {
      const call = locks.withLock('a', () => store.forceLose('a'), { renew: false });
      const error = await failureOf(call);
      expect(error).toBeInstanceOf(LockLostError);
      expect(error).toMatchObject({ reason: 'not-renewed' });
    });

    it('loses no other lock', async () => {
      await locks.acquire('a');
      const other = await locks.acquire('b');
      await store.forceLose('a');
      expect(other.isHeld).toBe(true);
    });

    it('refuses a name that the application does not hold', async () => {
      await store.busy('a');
      for (const name of ['a', 'b']) {
        await expect(store.forceLose(name)).rejects.toThrow(
          `forceLose("${name}"): the application does not hold it`,
        );
      }
    });

    it('works on a name that was somebody else’s until the application took it by force', async () => {
      await store.busy('a');
      await locks.forceRelease('a');
      const lock = await locks.acquire('a');
      await store.forceLose('a');
      expect(lock.isHeld).toBe(false);
    });
  });

  describe('fail', () => {
    it('makes the next call of a step fail, once, and the others not', async () => {
      store.fail('acquire');
      expect(await failureOf(locks.acquire('a'))).toMatchObject({
        cause: new Error('acquire was made to fail'),
      });
      expect(await locks.acquire('a')).toBeDefined();
    });

    it('makes as many fail as it is told, with the errors it is told, in order', async () => {
      const [first, second] = [new Error('first'), new Error('second')];
      store.fail('inspect', { times: 2, error: first });
      store.fail('inspect', { error: second });
      const causes = [];
      for (let i = 0; i < 4; i++) {
        const error = (await failureOf(locks.inspect('a'))) as LockStoreError | undefined;
        causes.push(error?.cause);
      }
      expect(causes).toEqual([first, first, second, undefined]);
    });

    it.each([true, false])('applies the step or not (applied: %p)', async (applied) => {
      store.fail('acquire', { applied });
      const request = {
        ...A,
        units: 0,
        permits: 0,
        tokens: 1,
        owner: 'me',
        ttlMs: 1_000,
        holder: { service: 's', host: 'h', pid: 1 },
      };
      await expect(store.acquire(request)).rejects.toThrow('acquire was made to fail');
      expect((await store.inspect(A)).holders).toHaveLength(applied ? 1 : 0);
    });

    it.each([true, false])('hangs, until the limit of the store (applied: %p)', async (applied) => {
      const lock = await locks.acquire('a');
      store.fail('release', { error: 'hang', applied });
      const release = failureOf(lock.release());
      await store.clock.advance(1_999);
      expect((await store.inspect(A)).holders).toHaveLength(applied ? 0 : 1);
      await store.clock.advance(1);
      expect(await release).toBeInstanceOf(LockStoreError);
    });

    it.each<[FailableStep, () => Promise<unknown>]>([
      ['acquire', () => locks.tryAcquire('b')],
      ['renew', async () => (await locks.acquire('b')).extend('1 minute')],
      ['release', async () => (await locks.acquire('b')).release()],
      ['inspect', () => locks.inspect('b')],
      ['forceRelease', () => locks.forceRelease('b')],
    ])('knows the step %s', async (step, call) => {
      const error = new Error('down');
      store.fail(step, { error });
      expect(await failureOf(call())).toMatchObject({ cause: error });
    });

    it('does not get in the way of busy, free and forceLose', async () => {
      for (const step of ['acquire', 'release', 'inspect'] as const) store.fail(step, { times: 9 });
      await store.busy('a');
      await store.free('a');
      await expect(store.busy('a')).resolves.toBeUndefined();
    });
  });
});
