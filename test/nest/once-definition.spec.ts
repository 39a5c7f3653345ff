import { describe, expect, it, jest } from '@jest/globals';
import { Get, Injectable, SetMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  InjectLockService,
  Locked,
  LockModule,
  LockOptionsError,
  LockService,
  type LockedOptions,
} from 'nestjs-locker';
import { TestLockStore, UnlockedStore, withoutLocks } from 'nestjs-locker/testing';
import { Observable, of } from 'rxjs';
import { afterTest, errorOf, lockApp, lockService } from '../support/lock-service.js';
import { startApp } from './fixtures/app.js';

const work = jest.fn<(...args: unknown[]) => unknown>();

@Injectable()
class Invoices {
  @Get('submit')
  @SetMetadata('role', 'clerk')
  @Locked('invoice:<id>', { once: { storeResult: true } })
  async submit(id: number, _by?: string): Promise<unknown> {
    return work(id);
  }
}

describe('the definition of a class with once', () => {
  const define =
    (options: unknown, key: unknown = 'a') =>
    () => {
      class Wrong {
        @Locked(key as string, options as LockedOptions)
        async run(): Promise<void> {}
      }
      return Wrong;
    };

  it.each<[string, unknown]>([
    ['"retention" is "a while", not a duration. Write milliseconds or a text', 'a while'],
    ['"retention" is 0, but must be from 1 ms', 0],
    ['"retention" is "200 years", but must be from 1 ms', { retention: '200 years' }],
    ['"retention" is true, not a duration', true],
    ['the options are null; write an object', null],
    ['there is no option "ttl". The options are retention, storeResult, onUnknown', { ttl: '1m' }],
    ['"job" is ""; write a text of up to 1024 characters', { job: '' }],
    ['"job" is 7; write a text of up to 1024 characters', { job: 7 }],
    ['"fingerprint" is "id"; write true, or a function of the arguments', { fingerprint: 'id' }],
    [`"onUnknown" is "ask"; write 'retry', 'hold' or a function`, { onUnknown: 'ask' }],
    ['"storeResult" is "yes"; write true, false or { maxBytes: 65536 }', { storeResult: 'yes' }],
    ['"maxBytes" is 0; write a whole number from 1 on', { storeResult: { maxBytes: 0 } }],
    ['there is no option "bytes". The options are maxBytes', { storeResult: { bytes: 1 } }],
  ])('refuses options: %s', (message, once) => {
    expect(define({ once })).toThrow(LockOptionsError);
    expect(define({ once })).toThrow('@Locked on Wrong.run: "once"');
    expect(define({ once })).toThrow(message);
  });

  it.each<[string, object, unknown]>([
    ['is for one key, not for several. Lock the others in the method', {}, ['a', 'b']],
    ['is for one key, not for several', {}, ['a']],
    ['cannot be shared: leave "mode" out', { mode: 'shared' }, 'a'],
    ['is never re-entrant: leave "reentrant" out', { reentrant: false }, 'a'],
    ['is never re-entrant: leave "reentrant" out', { reentrant: true }, 'a'],
  ])('refuses what does not go with it: %s', (message, options, key) => {
    expect(define({ once: '30d', ...options }, key)).toThrow(LockOptionsError);
    expect(define({ once: '30d', ...options }, key)).toThrow(
      `@Locked on Wrong.run: "once" ${message}`,
    );
  });

  it('refuses streams, however they are declared', () => {
    const streams = [
      () => {
        class Wrong {
          @Locked('a', { once: '30d' })
          run(): Observable<number> {
            return of(1);
          }
        }
        return Wrong;
      },
      () => {
        class Wrong {
          @Locked('a', { once: '30d' })
          async *run(): AsyncGenerator<number> {
            yield 1;
          }
        }
        return Wrong;
      },
      define({ once: '30d', returns: 'observable' }),
    ];
    for (const stream of streams) {
      expect(stream).toThrow(LockOptionsError);
      expect(stream).toThrow(
        /^@Locked on Wrong\.run: "once" is for methods that return a promise, not an (observable|async-generator)\.$/,
      );
    }
  });

  it('takes what is right', () => {
    const { onUnknown, fingerprint } = { onUnknown: () => 'hold', fingerprint: () => 1 };
    for (const once of ['1 year', 1, Infinity, {}, { retention: Infinity, job: 'a' }]) {
      expect(define({ once, mode: 'exclusive', minHold: '1s' })).not.toThrow();
    }
    expect(
      define({ once: { onUnknown, fingerprint, storeResult: { maxBytes: 1 } } }),
    ).not.toThrow();
  });

  it('keeps name, length and metadata of the method', () => {
    const submit = Reflect.get(Invoices.prototype, 'submit') as Function;
    expect([submit.name, submit.length]).toEqual(['submit', 2]);
    expect(Reflect.getMetadata('path', submit)).toBe('submit');
    expect(Reflect.getMetadata('role', submit)).toBe('clerk');
  });
});

describe('once, in a module', () => {
  it('keeps what the instance named with "using" keeps', async () => {
    @Injectable()
    class Billing {
      constructor(
        readonly locks: LockService,
        @InjectLockService('billing') readonly billing: LockService,
      ) {}

      @Locked('invoice:<id>', { once: '30d', using: 'billing' })
      async bill(id: number): Promise<unknown> {
        return work(id);
      }
    }
    const store = new TestLockStore();
    const named = LockModule.forRoot({ name: 'billing', store });
    const { app } = await startApp({ imports: [named], providers: [Billing] });
    const service = app.get(Billing);
    work.mockReturnValueOnce('billed');
    expect(await service.bill(7)).toBe('billed');
    expect(await service.bill(7)).toBeUndefined();
    expect(await service.billing.outcomes.of('invoice:7')).toMatchObject({ state: 'processed' });
    expect(await service.locks.outcomes.of('invoice:7')).toBeNull();
  });

  it.each([
    [
      'the UnlockedStore',
      async () => {
        const app = await lockApp({ store: new UnlockedStore(), providers: [Invoices] });
        return app.get(Invoices);
      },
    ],
    ['withoutLocks', async () => withoutLocks(new Invoices())],
  ])('runs it every time with %s', async (_what, make) => {
    const service = await make();
    let run = 0;
    work.mockImplementation(() => ++run);
    expect(await service.submit(7)).toBe(1);
    expect(await service.submit(7)).toBe(2);
    const own = new Error('mine');
    work.mockImplementationOnce(() => Promise.reject(own));
    expect(await errorOf(service.submit(7))).toBe(own);
  });

  it('is refused with a store that keeps no outcomes, and nothing is locked', async () => {
    class OldStore extends TestLockStore {
      declare readonly outcomes: never;
      constructor() {
        super();
        Object.assign(this, { outcomes: undefined });
      }
    }
    const locks = await lockService({ store: new OldStore() });
    work.mockReset();
    const calls = [() => locks.once('invoice:7', work), () => locks.outcomes.of('invoice:7')];
    for (const call of calls) {
      const error = await errorOf((async () => call())());
      expect(error).toBeInstanceOf(LockOptionsError);
      expect(error).toMatchObject({
        message:
          '"once" needs a store that keeps outcomes, and the lock store (test store) keeps none. ' +
          'Use a LockModule of one Redis for it (name: …), or give a store of your own "outcomes".',
      });
    }
    expect(work).not.toHaveBeenCalled();
    expect(await locks.withLock('invoice:7', () => 'locked')).toBe('locked');
  });

  it('asks a stub of the service for once, and of it no more', async () => {
    const once = jest.fn(
      async (_name: string, run: (lock: unknown) => unknown, _options: object) => ({
        status: 'executed',
        result: `stub: ${String(await run({}))}`,
      }),
    );
    const app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ store: 'memory' })],
      providers: [Invoices],
    })
      .overrideProvider(LockService)
      .useValue({ once, withLock: () => Promise.reject(new Error('not this')) })
      .compile();
    afterTest(() => app.close());
    await app.init();
    work.mockReturnValue('done');
    expect(await app.get(Invoices).submit(7)).toBe('stub: done');
    const options = { storeResult: true, label: 'invoice:<id>' };
    expect(once.mock.calls).toEqual([['invoice:7', expect.any(Function), options]]);
  });
});
