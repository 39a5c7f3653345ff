import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  type Lock,
  Locked,
  LockLostError,
  LockOptionsError,
  LockService,
  WithPermit,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { Observable, of } from 'rxjs';
import { eventsOf, lockApp, lockService, watch } from '../support/lock-service.js';
import { until } from '../support/until.js';

const retry = { attempts: 3, backoff: '200ms' } as const;

let store: TestLockStore;
beforeEach(() => {
  store = new TestLockStore();
});

/** Has the clock go on until a call is settled. */
const settled = async <T>(call: Promise<T>) => {
  const watched = watch(call);
  const goOn = () => store.clock.advance('50ms').then(() => watched.settled);
  await until(goOn, { what: 'it is settled' });
  return watched;
};

const lose = (name: string) => store.forceRelease({ name, kind: 'lock' });

describe('retry of a decorated method', () => {
  const compensate = jest.fn(function (this: unknown, _loss: LockLostError, ..._args: unknown[]) {
    return 'undone';
  });

  @Injectable()
  class Rates {
    readonly calls: unknown[][] = [];

    constructor(readonly locks: LockService) {}

    @Locked('rates:<currency>', { retry, compensate })
    async refresh(currency: string, { strict }: { strict: boolean }): Promise<string> {
      await this.begin(currency, strict);
      await lose(`rates:${currency}`);
      if (strict) throw new Error(`mine ${this.calls.length}`);
      return `done ${this.calls.length}`;
    }

    @Locked('rates:<currency>', { retry })
    async lucky(currency: string): Promise<string> {
      if ((await this.begin(currency)) < 3) await lose(`rates:${currency}`);
      return `done ${this.calls.length}`;
    }

    @WithPermit('rates', { permits: 2, retry })
    async permitted(currency: string): Promise<string> {
      const { fencingToken } = this.locks.current()!;
      if ((await this.begin(currency)) < 3) {
        await this.locks.semaphore('rates', 2).forceRelease(fencingToken);
      }
      return `done ${this.calls.length}`;
    }

    @Locked('rates:<currency>', { retry, onBusy: 'skip' })
    async orSkipped(currency: string): Promise<string> {
      await this.begin(currency);
      await store.forceLose(`rates:${currency}`);
      return 'done';
    }

    private async begin(...args: unknown[]): Promise<number> {
      this.locks.current()!.assertHeld();
      return this.calls.push(args);
    }
  }

  const start = async () => {
    compensate.mockClear();
    const app = await lockApp({ store, providers: [Rates] });
    return { rates: app.get(Rates), events: eventsOf(app.get(LockService)) };
  };

  it('calls it again with the same arguments', async () => {
    const { rates } = await start();
    expect((await settled(rates.lucky('€'))).value).toBe('done 3');
    expect(rates.calls).toEqual([['€'], ['€'], ['€']]);
  });

  it('gives compensate the loss, the arguments and the object, after the last attempt', async () => {
    const { rates, events } = await start();
    const options = { strict: false };
    expect((await settled(rates.refresh('€', options))).value).toBe('undone');
    expect(rates.calls).toHaveLength(3);
    expect(compensate.mock.contexts).toEqual([rates]);
    expect(compensate.mock.calls).toEqual([[expect.any(LockLostError), '€', options]]);
    const [loss, , given] = compensate.mock.calls[0]!;
    expect(loss).toMatchObject({ result: 'done 3', error: undefined });
    expect(given).toBe(options);
    const told = events.filter(({ type }) => type === 'compensated');
    const { fencingToken } = loss;
    expect(told).toEqual([
      { type: 'compensated', name: 'rates:€', fencingToken, reason: 'expired' },
    ]);
  });

  it('lets the last own error out, and gives it to compensate', async () => {
    const { rates } = await start();
    const { error } = await settled(rates.refresh('€', { strict: true }));
    expect(error).toMatchObject({ message: 'mine 3' });
    expect(compensate).toHaveBeenCalledTimes(1);
    const [loss] = compensate.mock.calls[0]!;
    expect(loss.error).toBe(error);
    expect(loss.result).toBeUndefined();
  });

  it('is not skipped where it has run, and the lock is taken by then', async () => {
    const { rates, events } = await start();
    const { error } = await settled(rates.orSkipped('€'));
    expect(error).toMatchObject({ code: 'LOCK_LOST', result: 'done' });
    expect(events.map(({ type }) => type)).not.toContain('skipped');
    expect(await rates.orSkipped('€')).toBeUndefined();
    expect(rates.calls).toHaveLength(1);
  });

  it('takes a new permit for each attempt', async () => {
    const { rates } = await start();
    expect((await settled(rates.permitted('€'))).value).toBe('done 3');
    expect(await rates.locks.semaphore('rates', 2).inspect()).toMatchObject({ holders: [] });
  });

  const define =
    (options: object, decorator: 'Locked' | 'WithPermit' = 'Locked') =>
    () => {
      class Wrong {
        @(decorator === 'Locked' ? Locked('a', options) : WithPermit('a', options as never))
        async run(): Promise<void> {}
      }
      return Wrong;
    };

  it.each<[string, unknown]>([
    ['"retry.attempts" is 1.5; write a whole number from 1 to 100', { attempts: 1.5 }],
    ['"retry": the options are 3; write an object', 3],
    ['"retry": there is no option "times". The options are attempts, backoff', { times: 3 }],
    ['"retry.backoff" is -1, but must be from 0 ms', { attempts: 2, backoff: -1 }],
  ])('is checked when the class is defined: %s', (message, wrong) => {
    expect(define({ retry: wrong })).toThrow(LockOptionsError);
    expect(define({ retry: wrong })).toThrow(`@Locked on Wrong.run: ${message}`);
    const permitted = define({ permits: 1, retry: wrong }, 'WithPermit');
    expect(permitted).toThrow(`@WithPermit on Wrong.run: ${message}`);
  });

  it('is refused on streams', () => {
    const streams = [
      () => {
        class Wrong {
          @Locked('a', { retry })
          run(): Observable<number> {
            return of(1);
          }
        }
        return Wrong;
      },
      () => {
        class Wrong {
          @WithPermit('a', { permits: 1, retry })
          async *run(): AsyncGenerator<number> {
            yield 1;
          }
        }
        return Wrong;
      },
    ];
    for (const stream of streams) {
      expect(stream).toThrow(LockOptionsError);
      expect(stream).toThrow(/"retry" is for methods that return a promise.*Leave it out/);
    }
    expect(define({ retry, returns: 'async-generator' })).toThrow('"retry" is for methods');
  });
});

describe('retry of what is done once', () => {
  let locks: LockService;
  beforeEach(async () => {
    locks = await lockService({ store });
  });

  const works = (...each: ((lock: Lock) => unknown)[]) => {
    const work = jest.fn<(lock: Lock) => unknown>();
    for (const one of each) work.mockImplementationOnce(one);
    return work;
  };
  /** It is noticed meanwhile, so that nobody knows how it ended. */
  const loseAndThrow = async ({ name }: Lock) => {
    await store.forceLose(name);
    await store.free(name);
    throw new Error('mine');
  };

  it('does it again where it threw after a loss', async () => {
    const work = works(loseAndThrow, loseAndThrow, () => 'done');
    const call = await settled(locks.once('a:1', work, { retry }));
    expect(call.value).toEqual({ status: 'executed', result: 'done' });
    const outcomes = (await locks.outcomes.of('a:1'))!.attempts.map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['unknown', 'unknown', 'processed']);
  });

  it('does not do it again where it succeeded, though late', async () => {
    const work = works(({ name }) => lose(name).then(() => 'done'));
    const call = await settled(locks.once('a:1', work, { retry }));
    expect(call.error).toBeInstanceOf(LockLostError);
    expect(call.error).toMatchObject({ result: 'done' });
    expect(work).toHaveBeenCalledTimes(1);
    expect(await locks.outcomes.of('a:1')).toMatchObject({ attempts: [{ outcome: 'late' }] });
  });

  it("does not do it again with onUnknown: 'hold'", async () => {
    const events = eventsOf(locks);
    const work = works(loseAndThrow, () => 'done');
    const call = await settled(locks.once('a:1', work, { retry, onUnknown: 'hold' }));
    expect(call.error).toMatchObject({ message: 'mine' });
    expect(work).toHaveBeenCalledTimes(1);
    expect(events.at(-1)).toMatchObject({ type: 'outcome-unknown', decision: 'hold' });
  });

  it('replays what somebody else has done meanwhile', async () => {
    const others = await lockService({ store });
    const terms = { retry, storeResult: true } as const;
    const work = works(async (lock) => {
      await lose(lock.name);
      await others.once(lock.name, () => 'theirs', terms);
      lock.assertHeld();
      throw new Error('mine');
    });
    const call = await settled(locks.once('a:1', work, terms));
    expect(call.value).toEqual({ status: 'replayed', result: 'theirs' });
    expect(work).toHaveBeenCalledTimes(1);
  });
});
