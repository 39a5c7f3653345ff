import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Locked, LockOptionsError } from 'nestjs-locker';
import { Observable, of } from 'rxjs';
import { leaseIn } from '../support/lease-end.js';
import { errorOf } from '../support/lock-service.js';
import { startApp } from './fixtures/app.js';

/** A decorator that the compiler lets pass. */
const locked = (options?: Parameters<typeof Locked>[1]) =>
  Locked('key', options) as unknown as MethodDecorator;

const definitionError = (define: () => unknown): LockOptionsError => {
  try {
    define();
  } catch (error) {
    expect(error).toBeInstanceOf(LockOptionsError);
    return error as LockOptionsError;
  }
  throw new Error('the class was accepted');
};

const MEND =
  '@Locked needs a method that returns a promise, an Observable or an async generator, because a lock ' +
  `takes time. Make it async, write its return type, or set "returns" to 'promise', 'observable', 'async-generator'.`;

describe('a synchronous method is refused when its class is defined', () => {
  class Invoice {}

  it('that returns a text', () => {
    const { message } = definitionError(() => {
      class Service {
        @locked()
        run(): string {
          return '';
        }
      }
      return Service;
    });
    expect(message).toBe(`Service.run returns String: ${MEND}`);
  });

  it('that returns a number', () => {
    const { message } = definitionError(() => {
      class Service {
        @locked()
        run(): number {
          return 1;
        }
      }
      return Service;
    });
    expect(message).toBe(`Service.run returns Number: ${MEND}`);
  });

  it('that returns nothing', () => {
    const { message } = definitionError(() => {
      class Service {
        @locked()
        run(): void {}
      }
      return Service;
    });
    expect(message).toBe(`Service.run returns nothing, or does not say what it returns: ${MEND}`);
  });

  it('that returns an object of a class', () => {
    const { message } = definitionError(() => {
      class Service {
        @locked()
        run(): Invoice {
          return new Invoice();
        }
      }
      return Service;
    });
    expect(message).toBe(`Service.run returns Invoice: ${MEND}`);
  });

  it('that is a generator', () => {
    const { message } = definitionError(() => {
      class Service {
        @locked()
        *run(): Generator<number> {
          yield 1;
        }
      }
      return Service;
    });
    expect(message).toBe(`Service.run is a generator that is not async: ${MEND}`);
  });

  it('that is static, or an accessor', () => {
    const errors = [
      definitionError(() => {
        class Service {
          @locked()
          static async run(): Promise<void> {}
        }
        return Service;
      }),
      definitionError(() => {
        class Service {
          @locked()
          get run(): Promise<void> {
            return Promise.resolve();
          }
        }
        return Service;
      }),
    ];
    expect(errors.map(({ message }) => message)).toEqual([
      'Service.run is static: @Locked needs a method of an object that Nest makes. ' +
        'Make it an instance method, or use LockService.',
      'Service.run is no method: put @Locked on a method of a class.',
    ]);
  });
});

describe('a bad option is refused when the class is defined', () => {
  it.each([
    [{ onBusy: 'wait' }, '"onBusy" is "wait"; write \'throw\', \'skip\' or a function.'],
    [{ compensate: 'undo' }, '"compensate" is "undo"; write a function.'],
    [{ using: '' }, '"using" is ""; write the name of a LockModule.'],
    [{ returns: 'iterator' }, "write one of 'promise', 'observable', 'async-generator'."],
    [{ ttl: 0 }, '"ttl" is 0, but must be'],
    [{ wait: 'soon' }, '"wait" is "soon", not a duration.'],
    [{ maxHold: -1 }, '"maxHold" is -1, but must be'],
    [{ renew: 'no' }, '"renew" is "no"; write true or false.'],
    [{ onbusy: 'skip' }, 'there is no option "onbusy". The options are ttl, wait,'],
    [{ signal: AbortSignal.abort() }, 'there is no option "signal".'],
  ])('%j', (options, shown) => {
    const { message } = definitionError(() => {
      class Service {
        @locked(options as Parameters<typeof Locked>[1])
        async run(): Promise<void> {}
      }
      return Service;
    });
    expect(message).toContain('@Locked on Service.run');
    expect(message).toContain(shown);
  });
});

describe('a method whose kind cannot be known beforehand', () => {
  // The metadata of an alias says as much as that of an interface: Object.
  type Rows = AsyncGenerator<number>;
  type Texts = Observable<string> | Promise<never>;

  @Injectable()
  class Undeclared {
    started = 0;

    @Locked('undeclared')
    observable(): Texts {
      this.started++;
      return of('late');
    }

    @Locked('undeclared')
    generator(): Rows {
      return this.rows();
    }

    @Locked('undeclared')
    promise(): PromiseLike<string> {
      return Promise.resolve('in time');
    }

    private async *rows(): AsyncGenerator<number> {
      this.started++;
      yield 1;
    }
  }

  it('is refused if it returns what starts when the lock is gone', async () => {
    const { app, store } = await startApp({ providers: [Undeclared] });
    const service = app.get(Undeclared);
    const error = await errorOf(service.observable() as Promise<never>);
    expect(error).toBeInstanceOf(LockOptionsError);
    expect((error as Error).message).toBe(
      'Undeclared.observable returned an Observable, which starts when the lock is gone. ' +
        "Write @Locked(…, { returns: 'observable' }), or declare it as the method's return type.",
    );
    await expect(service.generator() as unknown as Promise<unknown>).rejects.toThrow(
      'Undeclared.generator returned an async generator, which starts when the lock is gone. ' +
        "Write @Locked(…, { returns: 'async-generator' }), or declare it as the method's return type.",
    );
    expect(await service.promise()).toBe('in time');
    expect(await leaseIn(store, 'undeclared')).toBeNull();
  });
});

describe('the compiler', () => {
  it('refuses what does not fit (this file is checked by tsc)', () => {
    const define = () => {
      class Service {
        // @ts-expect-error a synchronous method
        @Locked('key')
        sync(): string {
          return '';
        }

        // @ts-expect-error a generator that is not async
        @Locked('key')
        *rows(): Generator<number> {
          yield 1;
        }

        // @ts-expect-error a key function with other arguments
        @Locked((id: number) => `invoice:${id}`)
        async otherArguments(id: string): Promise<string> {
          return id;
        }

        // @ts-expect-error a key function with more arguments
        @Locked((id: string, from: string) => `invoice:${id}:${from}`)
        async moreArguments(id: string): Promise<string> {
          return id;
        }

        // @ts-expect-error an option that there is not
        @Locked('key', { onBusy: 'wait' })
        async option(): Promise<void> {}

        @Locked((id: string) => `invoice:${id}`)
        async fewerArguments(id: string, amount: number): Promise<string> {
          return `${id} ${amount}`;
        }

        @Locked('key')
        observable(): Observable<string> {
          return of('');
        }

        @Locked('key')
        async *generator(): AsyncGenerator<number> {
          yield 1;
        }
      }
      return Service;
    };
    expect(define).toThrow(LockOptionsError);
  });
});
