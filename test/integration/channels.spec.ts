import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  Job,
  JobLockManager,
  Locked,
  lockChannels,
  LockBusyError,
  LockLostError,
  type LockService,
  LockStoreError,
  LockTimeoutError,
  WithPermit,
} from 'nestjs-locker';
import { assertFenced } from 'nestjs-locker/fencing';
import { TestLockStore } from 'nestjs-locker/testing';
import { endingsOf, listenTo } from '../support/channel-messages.js';
import {
  afterTest,
  Deferred,
  errorOf,
  lockApp,
  lockService,
  watch,
} from '../support/lock-service.js';
import { until } from '../support/until.js';

const INVOICES = new Job({ name: 'invoice' });

class InvoiceService {
  @Locked('invoice:<_id>')
  async issue(_id: number): Promise<void> {}

  @Locked((id: number) => `invoice:${id}`)
  async print(_id: number): Promise<void> {}

  @Locked(['account:<_from>', 'account:<_to>'])
  async transfer(_from: number, _to: number): Promise<void> {}

  @Locked('invoice:<_id>', { label: 'mine' })
  async labelled(_id: number): Promise<void> {}

  @Locked('invoice:<_id>', { once: '1d' })
  async once(_id: number): Promise<void> {}

  @WithPermit('authority:<_country>', { permits: 4 })
  async submit(_country: string): Promise<void> {}
}

describe('the channels', () => {
  let store: TestLockStore;
  let locks: LockService;
  beforeEach(async () => {
    store = new TestLockStore();
    locks = await lockService({ store, service: 'billing' });
  });

  it('are those that Node has under their names', () => {
    const named = tracingChannel('nestjs-locker:acquire');
    expect(lockChannels.acquire.asyncEnd).toBe(named.asyncEnd);
    expect(lockChannels.nodeError).toBe(channel('nestjs-locker:node-error'));
  });

  describe('acquire', () => {
    it('is told as a traced promise is, with one message from start to end', async () => {
      const heard = listenTo('acquire');
      const lock = await locks.acquire('invoice:42', { label: 'invoice:<id>', wait: '1s' });
      expect(heard.map(({ phase }) => phase)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
      expect(new Set(heard.map(({ object }) => object)).size).toBe(1);
      expect(heard[0]!.message).toEqual({
        service: 'billing',
        mode: 'exclusive',
        label: 'invoice:<id>',
        names: ['invoice:42'],
        waitMs: 1_000,
      });
      expect(heard[3]!.message).toEqual({
        ...heard[0]!.message,
        durationMs: expect.any(Number),
        result: [{ name: 'invoice:42', fencingToken: lock.fencingToken }],
      });
    });

    it('has ended before the caller goes on', async () => {
      const heard = listenTo('acquire');
      await locks.acquire('a');
      expect(endingsOf(heard)).toHaveLength(1);
    });

    it('is told with the error of a refusal', async () => {
      await store.busy('a');
      const heard = listenTo('acquire');
      const error = await errorOf(locks.acquire('a', { wait: 0 }));
      expect(heard.map(({ phase }) => phase)).toEqual([
        'start',
        'end',
        'error',
        'asyncStart',
        'asyncEnd',
      ]);
      expect(heard[2]!.message['error']).toBe(error);
      expect(endingsOf(heard)[0]).not.toHaveProperty('result');
    });

    it('is one operation where several names are taken', async () => {
      const heard = listenTo('acquire');
      await locks.acquire(['b', 'a']);
      expect(endingsOf(heard)).toEqual([
        expect.objectContaining({
          names: ['a', 'b'],
          result: [expect.objectContaining({ name: 'a' }), expect.objectContaining({ name: 'b' })],
        }),
      ]);
    });

    it('is not told where a lock that is there is joined', async () => {
      await locks.withLock('a', async () => {
        const heard = listenTo('acquire');
        const held = listenTo('hold');
        await locks.withLock('a', () => undefined);
        expect([heard, held]).toEqual([[], []]);
      });
    });

    it('gives the call the context that a listener binds to it', async () => {
      const context = new AsyncLocalStorage<string>();
      const { start } = lockChannels.acquire;
      start.bindStore(context, () => 'bound');
      afterTest(() => start.unbindStore(context));
      const bound: (string | undefined)[] = [];
      const listener = (): void => void bound.push(context.getStore());
      lockChannels.acquire.end.subscribe(listener);
      afterTest(() => lockChannels.acquire.end.unsubscribe(listener));
      await locks.acquire('a');
      expect([bound, context.getStore()]).toEqual([['bound'], undefined]);
    });

    it('never tells an owner, which is a secret', async () => {
      const all = [listenTo('acquire'), listenTo('hold'), listenTo('renew'), listenTo('release')];
      const lock = await locks.acquire('a', { ttl: '3s' });
      await store.clock.advance('2s');
      await lock.release();
      const told = inspect(all, { depth: 8, showHidden: true });
      expect(told).toContain('fencingToken');
      expect(told).not.toMatch(/owner/i);
      expect(told).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
    });
  });

  describe('wait', () => {
    it('lasts from when somebody else is met until the lock is given', async () => {
      const holder = await locks.acquire('a');
      const heard = listenTo('wait');
      const waiting = watch(locks.acquire('a', { wait: '1m', label: 'a' }));
      await until(() => heard.length > 0, { what: 'it waits' });
      expect(heard[0]!.message).toMatchObject({ name: 'a', place: 1, label: 'a' });
      await store.clock.advance('2s');
      await holder.release();
      await until(() => waiting.settled, { what: 'it is given' });
      expect(endingsOf(heard)).toEqual([expect.objectContaining({ durationMs: 2_000 })]);
      expect(endingsOf(heard)[0]).not.toHaveProperty('error');
    });

    it('ends with the error of who gave up', async () => {
      await store.busy('a');
      const heard = listenTo('wait');
      const waiting = watch(locks.acquire('a', { wait: '1s' }));
      await until(() => heard.length > 0, { what: 'it waits' });
      await store.clock.advance('1s');
      await until(() => waiting.settled, { what: 'it gives up' });
      expect(endingsOf(heard)).toEqual([
        expect.objectContaining({ error: expect.any(LockTimeoutError) }),
      ]);
    });

    it('is not told where nobody is in the way', async () => {
      const heard = listenTo('wait');
      await locks.acquire('a', { wait: '1m' });
      expect(heard).toEqual([]);
    });
  });

  describe('hold', () => {
    it('lasts until the lock is given back', async () => {
      const heard = listenTo('hold');
      const lock = await locks.acquire('a', { label: 'a' });
      expect(heard.map(({ phase }) => phase)).toEqual(['start', 'end']);
      await store.clock.advance('2s');
      await lock.release();
      const { fencingToken } = lock;
      expect(endingsOf(heard)).toEqual([
        {
          service: 'billing',
          mode: 'exclusive',
          label: 'a',
          name: 'a',
          fencingToken,
          durationMs: 2_000,
          result: 'released',
        },
      ]);
    });

    const losses: [string, () => Promise<unknown>, object][] = [
      [
        'a loss',
        async () => {
          await locks.acquire('a');
          await store.forceLose('a');
          await store.clock.advance('11s');
        },
        { error: expect.any(LockLostError) },
      ],
      [
        'a release that nobody confirms',
        async () => {
          const lock = await locks.acquire('a');
          store.fail('release', { error: new Error('gone') });
          await errorOf(lock.release());
        },
        { error: expect.any(LockStoreError) },
      ],
      ['detach', async () => (await locks.acquire('a')).detach(), { result: 'detached' }],
    ];
    it.each(losses)('ends with %s', async (_, play, ending) => {
      const heard = listenTo('hold');
      await play();
      await until(() => endingsOf(heard).length > 0, { what: 'it ends' });
      expect(endingsOf(heard)).toEqual([expect.objectContaining(ending)]);
    });

    it('is one for each caller that a lock is passed on to', async () => {
      const holds = listenTo('hold');
      const releases = listenTo('release');
      await Promise.all([1, 2, 3].map(() => locks.withLock('a', () => undefined)));
      expect(endingsOf(holds).map(({ result }) => result)).toEqual(Array(3).fill('released'));
      expect(endingsOf(releases).map(({ result }) => result)).toEqual(Array(3).fill('released'));
      expect(new Set(endingsOf(holds).map(({ fencingToken }) => fencingToken)).size).toBe(3);
    });

    it('tells who comes later nothing of what has begun before', async () => {
      const lock = await locks.acquire('a');
      const heard = listenTo('hold');
      await lock.release();
      expect(heard).toEqual([]);
    });
  });

  describe('renew', () => {
    it('tells how long each lock would still have lasted', async () => {
      const heard = listenTo('renew');
      await locks.acquire('a', { ttl: '30s', label: 'a' });
      await locks.semaphore('s', 2).acquire({ ttl: '30s' });
      await store.clock.advance('10s');
      await until(() => endingsOf(heard).length > 0, { what: 'it is renewed' });
      const [{ renewals }] = endingsOf(heard) as [{ renewals: object[] }];
      expect(renewals).toEqual([
        expect.objectContaining({ name: 'a', mode: 'exclusive', label: 'a', reply: 'renewed' }),
        expect.objectContaining({ name: 's', mode: 'permit', ttlMs: 30_000 }),
      ]);
      const [{ headroomMs }] = renewals as [{ headroomMs: number }];
      expect(headroomMs).toBeGreaterThan(19_000);
      expect(headroomMs).toBeLessThanOrEqual(20_000);
    });

    it('tells of a batch that failed', async () => {
      const heard = listenTo('renew');
      await locks.acquire('a');
      store.fail('renew', { error: new Error('gone') });
      await store.clock.advance('10s');
      await until(() => heard.some(({ phase }) => phase === 'error'), { what: 'it fails' });
      expect(endingsOf(heard)[0]!['error']).toBeInstanceOf(LockStoreError);
    });
  });

  describe('once', () => {
    const fail = (error: unknown) => () => Promise.reject(error);
    it.each<[string, () => Promise<unknown>, string[]]>([
      ['done', () => locks.once('e:1', () => 1), ['executed']],
      [
        'done before',
        async () => {
          await locks.once('e:1', () => 1);
          await locks.once('e:1', () => 1);
        },
        ['executed', 'replayed'],
      ],
      ['refused by the work', () => errorOf(locks.once('e:1', fail('no'))), ['failed']],
      [
        'left without an answer',
        () => errorOf(locks.once('e:1', fail('no'), { unknownIf: () => true })),
        ['unknown'],
      ],
      [
        'held back',
        async () => {
          const options = { unknownIf: () => true, onUnknown: 'hold' } as const;
          await errorOf(locks.once('e:1', fail('no'), options));
          await errorOf(locks.once('e:1', () => 1, options));
        },
        ['unknown', 'unknown'],
      ],
      [
        'left to who is at it',
        async () => {
          await store.busy('e:1');
          await errorOf(locks.once('e:1', () => 1, { wait: 0 }));
        },
        ['busy'],
      ],
      [
        'done although its lock was lost',
        () => errorOf(locks.once('e:1', () => store.forceLose('e:1'))),
        ['executed'],
      ],
      [
        'failed after its lock was lost',
        () =>
          errorOf(
            locks.once('e:1', async (lock) => {
              await store.forceLose('e:1');
              await store.clock.advance('31s');
              expect(lock.isHeld).toBe(false);
              throw new Error('no');
            }),
          ),
        ['unknown'],
      ],
    ])('is told where something is %s', async (_, play, results) => {
      const heard = listenTo('once');
      await play();
      expect(endingsOf(heard).map(({ job, result }) => `${String(job)} ${String(result)}`)).toEqual(
        results.map((result) => `e ${result}`),
      );
    });

    it('lasts, for an element of a job, until its end is told', async () => {
      const manager = (await lockApp({ store })).get(JobLockManager);
      const heard = listenTo('once');
      await manager.lockAll(INVOICES, [1, 2, 3]);
      expect(endingsOf(heard)).toEqual([]);
      await manager.successfullyProcessed(INVOICES, 1);
      await manager.unlock(INVOICES, 2);
      await manager.unlock(INVOICES, 3, 'unknown');
      await manager.lock(INVOICES, 1);
      expect(endingsOf(heard).map(({ name, result }) => [name, result])).toEqual([
        ['invoice:1', 'executed'],
        ['invoice:2', 'failed'],
        ['invoice:3', 'unknown'],
        ['invoice:1', 'replayed'],
      ]);
    });
  });

  it('tell a failed question to the store once, also where its answer comes late', async () => {
    const heard = listenTo('nodeError');
    const late = new Deferred<never>();
    jest.spyOn(store, 'acquire').mockImplementationOnce(() => late.promise);
    const waiting = watch(locks.acquire('a'));
    await store.clock.advance('2s');
    await until(() => waiting.settled, { what: 'it fails' });
    late.reject(new Error('gone at last'));
    store.fail('acquire', { error: new Error('gone') });
    await errorOf(locks.acquire('a'));
    expect(heard.map(({ message }) => [message['node'], message['reason']])).toEqual([
      [store.description, 'timeout'],
      [store.description, 'failed'],
    ]);
  });

  it('tell a refusal of a stale token', () => {
    const heard = listenTo('fenceRejected');
    expect(() => assertFenced(0, 'invoice 42', 7)).toThrow('is refused');
    assertFenced(1, 'invoice 42', 8);
    expect(heard.map(({ message }) => message)).toEqual([
      { storage: 'sql', resource: 'invoice 42', fencingToken: 7, newestToken: null },
    ]);
  });

  describe('the label', () => {
    it.each<[string, (service: InvoiceService) => Promise<void>, string]>([
      ['the template', (service) => service.issue(42), 'invoice:<_id>'],
      ['class and method of a function', (service) => service.print(42), 'InvoiceService.print'],
      ['all templates', (service) => service.transfer(1, 2), 'account:<_from>, account:<_to>'],
      ['what the option says', (service) => service.labelled(42), 'mine'],
      ['the template, with once', (service) => service.once(42), 'invoice:<_id>'],
      ['the template of permits', (service) => service.submit('de'), 'authority:<_country>'],
    ])('of a decorated method is %s', async (_, call, label) => {
      const app = await lockApp({ store, providers: [InvoiceService] });
      const acquires = listenTo('acquire');
      const holds = listenTo('hold');
      await call(app.get(InvoiceService));
      const told = [...endingsOf(acquires), ...endingsOf(holds)];
      expect(told.length).toBeGreaterThan(1);
      expect(told.map((message) => message['label'])).toEqual(told.map(() => label));
    });

    it('is of who holds the lock now, where callers pass it on', async () => {
      const heard = listenTo('hold');
      await Promise.all(['x', 'y'].map((label) => locks.withLock('a', () => undefined, { label })));
      expect(endingsOf(heard).map(({ label }) => label)).toEqual(['x', 'y']);
    });

    it('of a job is its name', async () => {
      const heard = listenTo('hold');
      const manager = (await lockApp({ store })).get(JobLockManager);
      await manager.lock(INVOICES, 1);
      await locks.once('order:1', () => 1);
      expect(heard[0]!.message['label']).toBe('invoice');
      expect(endingsOf(heard)[0]!['label']).toBe('order');
    });

    it('is none where nothing tells it: a name would be one of too many', async () => {
      const heard = listenTo('acquire');
      await locks.acquire('invoice:42');
      expect(heard[0]!.message['label']).toBeUndefined();
    });

    it.each([[''], ['x'.repeat(129)], [42]])('is refused as %j', async (label) => {
      const error = await errorOf(locks.acquire('a', { label: label as string }));
      expect(error).toHaveProperty('code', 'LOCK_OPTIONS');
      expect(error).not.toBeInstanceOf(LockBusyError);
      expect((error as Error).message).toContain('"label" is');
    });
  });
});
