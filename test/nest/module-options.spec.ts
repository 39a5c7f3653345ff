import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { LockModule, LockOptionsError, type LockModuleOptions } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';

const startWith = async (options: unknown): Promise<void> => {
  const app = await Test.createTestingModule({
    imports: [LockModule.forRoot(options as LockModuleOptions)],
  }).compile();
  await app.init();
  await app.close();
};

const failureOf = (options: unknown): Promise<Error> =>
  startWith(options).then(
    () => Promise.reject(new Error(`${JSON.stringify(options)} was accepted`)),
    (error: Error) => error,
  );

/** What is wrong, and the option, the value and the mend that the message must name. */
const REFUSED: readonly [options: Record<string, unknown>, shown: string[]][] = [
  [{ ttl: 0 }, ['"ttl"', '0', '50 ms', "'30s'"]],
  [{ ttl: -5 }, ['"ttl"', '-5', '50 ms', "'30s'"]],
  [{ ttl: 49 }, ['"ttl"', '49', '50 ms', "'30s'"]],
  [{ ttl: NaN }, ['"ttl"', 'NaN', 'not a duration', "'30s'"]],
  [{ ttl: Infinity }, ['"ttl"', 'Infinity', "'30s'"]],
  [{ ttl: 2 ** 31 }, ['"ttl"', '2147483648', "'30s'"]],
  [{ ttl: '30 parsecs' }, ['"ttl"', '"30 parsecs"', "'30s'"]],
  [{ ttl: '' }, ['"ttl"', '""', "'30s'"]],
  [{ ttl: null }, ['"ttl"', 'null', "'30s'"]],
  [{ ttl: { seconds: 30 } }, ['"ttl"', '[Object]', "'30s'"]],
  [{ wait: -1 }, ['"wait"', '-1', 'at least 0', 'Infinity']],
  [{ wait: 'for ever' }, ['"wait"', '"for ever"', 'Infinity']],
  [{ storeTimeout: 0 }, ['"storeTimeout"', '0', '1 ms']],
  [{ storeTimeout: Infinity }, ['"storeTimeout"', 'Infinity', "'30s'"]],
  [{ connectTimeout: 'soon' }, ['"connectTimeout"', '"soon"', "'30s'"]],
  [{ drainTimeout: -1 }, ['"drainTimeout"', '-1', "'30s'"]],
  [{ service: '' }, ['"service"', '""', "'billing'"]],
  [{ service: 7 }, ['"service"', '7', "'billing'"]],
  [{ leakStacks: 'yes' }, ['"leakStacks"', '"yes"', 'true or false']],
  [{ store: 'postgres' }, ['"store"', '"postgres"', "'redis', 'memory' or a LockStore"]],
  [{ store: {} }, ['"store"', '{}', "'redis', 'memory' or a LockStore"]],
  [{ store: null }, ['"store"', 'null', "'redis', 'memory' or a LockStore"]],
  [{ store: 'redis', prefix: '' }, ['"prefix"', '""', "'lock'"]],
  [{ store: 'redis', prefix: 'a{b}' }, ['"prefix"', '"a{b}"', 'without braces']],
  [{ store: 'redis', prefix: 5 }, ['"prefix"', '5', "'lock'"]],
  [{ store: 'memory', redis: 'redis://h' }, ['"redis"', '"store"', 'Leave one out']],
  [{ store: 'redis', redis: 'localhost:6379' }, ['"redis"', '"localhost:6379"', 'redis://']],
  [{ store: 'redis', redis: 'http://h:6379' }, ['"redis"', '"http://h:6379"', 'redis://']],
  [{ store: 'redis', redis: '' }, ['"redis"', '""', 'redis://']],
  [{ store: 'redis', redis: 6379 }, ['"redis"', '6379', 'redis://']],
  [{ store: 'redis', redis: null }, ['"redis"', 'null', 'redis://']],
  [{ name: '' }, ['"name"', '""', "'billing'"]],
  [{ name: 7 }, ['"name"', '7', "'billing'"]],
  [{ tll: '30s' }, ['"tll"', 'ttl', 'wait']],
  [{ url: 'redis://h' }, ['"url"', 'redis']],
];

describe('a bad module option', () => {
  it.each(REFUSED)('%j is refused at start', async (options, shown) => {
    const error = await failureOf({ store: 'memory', ...options });
    expect(error).toBeInstanceOf(LockOptionsError);
    for (const part of ['LockModule', ...shown]) expect(error.message).toContain(part);
  });

  it.each([
    [null, 'null'],
    ['redis://:sesame@localhost', 'a string'],
    [5, 'a number'],
  ])('%j is refused in the place of the options', async (options, shown) => {
    const error = await failureOf(options);
    expect(error).toBeInstanceOf(LockOptionsError);
    expect(error.message).toBe(
      `LockModule.forRoot: the options are ${shown}; write an object such as { redis: 'redis://localhost:6379' }.`,
    );
  });

  it.each([undefined, null, 'redis://localhost'])(
    '%j is refused as what a factory gives',
    async (options) => {
      const useFactory = () => options as unknown as LockModuleOptions;
      const starting = Test.createTestingModule({
        imports: [LockModule.forRootAsync({ useFactory })],
      }).compile();
      await expect(starting).rejects.toThrow(/^LockModule: /);
    },
  );

  it('does not show a password', async () => {
    const error = await failureOf({ redis: 'reds://user:sesame@h:1' });
    expect(error.message).toContain('h:1');
    expect(error.message).not.toContain('sesame');
  });
});

describe('a good module option', () => {
  it.each([
    { ttl: '1 minute', wait: Infinity, storeTimeout: 1, connectTimeout: '1s', drainTimeout: 0 },
    { ttl: 50, wait: 0, service: 'billing', leakStacks: true },
    { ttl: undefined, wait: undefined, service: undefined, redis: undefined },
  ])('%j is accepted', async (options) => {
    await expect(startWith({ store: new TestLockStore(), ...options })).resolves.toBeUndefined();
  });
});

describe("store: 'memory'", () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('says in the log that it locks within this process alone, once', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await startWith({ store: 'memory' });
    expect(warn.mock.calls).toHaveLength(1);
    expect(warn.mock.calls[0]![0]).toMatch(/memory.*process/i);
  });

  it('says nothing of the kind for another store', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await startWith({ store: new TestLockStore() });
    expect(warn).not.toHaveBeenCalled();
  });
});
