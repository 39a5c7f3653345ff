import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Injectable, Module, Scope, UseGuards } from '@nestjs/common';
import type { CanActivate, ModuleMetadata, Provider } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  type AcquireOptions,
  Job,
  JobLockManager,
  JobSemaphore,
  Locked,
  LockModule,
  LockOptionsError,
  LockService,
  type LockStore,
  WithPermit,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { afterTest, errorOf, lockService, RecordingLogger } from '../support/lock-service.js';

const NO_SEMAPHORES = 'there are no semaphores here. Use another module (name: …).';
const NO_SHARED_LOCKS = 'there are no shared locks here. Use another module (name: …).';

/** A store that cannot do everything, and tells what it was asked for. */
class LimitedStore extends TestLockStore {
  readonly maxTtlMs: number = 30_000;
  readonly refusals = { semaphores: NO_SEMAPHORES, sharedLocks: NO_SHARED_LOCKS };
  readonly asked: string[] = [];

  override acquire(...[request]: Parameters<TestLockStore['acquire']>) {
    this.asked.push(`acquire ${request.name}`);
    return super.acquire(request);
  }

  override renew(...[requests]: Parameters<TestLockStore['renew']>) {
    this.asked.push('renew');
    return super.renew(requests);
  }

  override transfer(...[request]: Parameters<TestLockStore['transfer']>) {
    this.asked.push(`transfer ${request.name}`);
    return super.transfer(request);
  }
}

/** The same over several nodes. */
class NodesStore extends LimitedStore {
  nodes() {
    return [];
  }
}

class OldStore extends TestLockStore {
  declare readonly outcomes: never;

  constructor() {
    super();
    Object.assign(this, { outcomes: undefined });
  }
}

/** An application that is initialized; closed after the test. */
async function start(store: LockStore, metadata: ModuleMetadata): Promise<TestingModule> {
  const locks = LockModule.forRoot({ store, drainTimeout: 0 });
  const app = await Test.createTestingModule({
    ...metadata,
    imports: [locks, ...(metadata.imports ?? [])],
  })
    .setLogger(new RecordingLogger())
    .compile();
  await app.init();
  afterTest(() => app.close());
  return app;
}

const refusalOf = (store: LockStore, metadata: ModuleMetadata): Promise<unknown> =>
  errorOf(start(store, metadata));

const USING = 'With the option "using" the method takes another LockModule than this one.';
const MAX_TTL =
  'is above "maxTtl" (30000 ms), the longest that a lease lasts without renewal. ' +
  'Set the LockModule option "maxTtl" to the longest ttl in use, the same in every service.';

describe('a decorated method that the store cannot keep', () => {
  class Permitted {
    @WithPermit('authority', { permits: 4 })
    async submit(): Promise<void> {}
  }
  class PermittedTooLong {
    @WithPermit('authority', { permits: 4, ttl: '1 minute' })
    async submit(): Promise<void> {}
  }
  class Shared {
    @Locked('prices', { mode: 'shared' })
    async quote(): Promise<void> {}
  }
  class TooLong {
    @Locked('report', { ttl: 30_001 })
    async report(): Promise<void> {}
  }
  class KeptTooLong {
    @Locked('report', { minHold: '1 minute' })
    async report(): Promise<void> {}
  }
  class Replicated {
    @Locked('report', { minReplicas: 1 })
    async report(): Promise<void> {}
  }
  class Once {
    @Locked('invoice', { once: '30d' })
    async issue(): Promise<void> {}
  }

  it.each<[string, new () => object, () => LockStore, string]>([
    [
      'permits',
      Permitted,
      () => new LimitedStore(),
      `@WithPermit on Permitted.submit: ${NO_SEMAPHORES}`,
    ],
    [
      'a shared lock',
      Shared,
      () => new LimitedStore(),
      `@Locked on Shared.quote: ${NO_SHARED_LOCKS}`,
    ],
    [
      'a ttl above maxTtl',
      TooLong,
      () => new NodesStore(),
      `@Locked on TooLong.report: "ttl" (30001 ms) ${MAX_TTL}`,
    ],
    [
      'a minHold above maxTtl',
      KeptTooLong,
      () => new NodesStore(),
      `@Locked on KeptTooLong.report: "minHold" (60000 ms) ${MAX_TTL}`,
    ],
    [
      'permits for longer than it keeps them',
      PermittedTooLong,
      () => Object.assign(new LimitedStore(), { refusals: undefined }),
      '@WithPermit on PermittedTooLong.submit: "ttl" (60000 ms) is above 30000 ms, the longest that the lock store ' +
        '(test store) keeps a lease without renewal. Write a shorter one.',
    ],
    [
      'replicas of several nodes',
      Replicated,
      () => new NodesStore(),
      '@Locked on Replicated.report: "minReplicas" is for replicas of one Redis; over several nodes most of them have ' +
        'a lock before it is given. Leave it out.',
    ],
    [
      'once',
      Once,
      () => new OldStore(),
      '@Locked on Once.issue: "once" needs a store that keeps outcomes, and the lock store (test store) keeps none. ' +
        'Use a LockModule of one Redis for it (name: …), or give a store of your own "outcomes".',
    ],
  ])(
    'is refused at start, with class, method, reason and mend: %s',
    async (_, provider, make, message) => {
      const error = await refusalOf(make(), { providers: [provider] });
      expect(error).toBeInstanceOf(LockOptionsError);
      expect((error as Error).message).toBe(`${message} ${USING}`);
    },
  );

  @Injectable({ scope: Scope.REQUEST })
  class RequestScoped extends Permitted {}

  @Injectable({ scope: Scope.TRANSIENT })
  class Transient extends Permitted {}

  @Controller()
  class Controlling {
    @Get()
    @WithPermit('authority', { permits: 4 })
    async submit(): Promise<void> {}
  }

  @Injectable()
  class Guard implements CanActivate {
    @WithPermit('authority', { permits: 4 })
    async canActivate(): Promise<boolean> {
      return true;
    }
  }

  @Controller()
  @UseGuards(Guard)
  class Guarded {}

  it.each<[string, ModuleMetadata]>([
    ['a provider', { providers: [Permitted] }],
    ['a request-scoped provider', { providers: [RequestScoped] }],
    ['a transient provider', { providers: [Transient] }],
    ['a controller', { controllers: [Controlling] }],
    ['a guard', { controllers: [Guarded] }],
    ['what useClass provides', { providers: [{ provide: 'a', useClass: Permitted }] }],
    ['what useValue provides', { providers: [{ provide: 'a', useValue: new Permitted() }] }],
    [
      'what useFactory provides',
      { providers: [{ provide: 'a', useFactory: async () => new Permitted() }] },
    ],
  ])('is refused in %s', async (_, metadata) => {
    const error = await refusalOf(new LimitedStore(), metadata);
    expect(error).toBeInstanceOf(LockOptionsError);
    expect((error as Error).message).toMatch(/^@WithPermit on \w+\.\w+: there are no semaphores/);
  });

  it('is refused when it is made, if a request-scoped factory makes it', async () => {
    const provide = 'a';
    const factory: Provider = {
      provide,
      scope: Scope.REQUEST,
      useFactory: () => new Permitted(),
    };
    const app = await start(new LimitedStore(), { providers: [factory] });
    await expect(app.resolve(provide)).rejects.toThrow(NO_SEMAPHORES);
  });

  it('is told first where a class has several', async () => {
    class Several extends Permitted {
      @Locked('prices')
      async reprice(): Promise<void> {}

      @Locked('prices', { mode: 'shared' })
      async quote(): Promise<void> {}
    }
    await expect(start(new LimitedStore(), { providers: [Several] })).rejects.toThrow(
      /on Several\.quote/,
    );
  });

  it('is left alone where a subclass has replaced it', async () => {
    class Replaced extends Permitted {
      override async submit(): Promise<void> {}
    }
    const app = await start(new LimitedStore(), { providers: [Replaced] });
    await expect(app.get(Replaced).submit()).resolves.toBeUndefined();
  });

  it('is kept by another module, which "using" names', async () => {
    class Elsewhere {
      @WithPermit('authority', { permits: 4, using: 'single' })
      async submit(): Promise<string> {
        return 'submitted';
      }
    }
    const single = LockModule.forRoot({ name: 'single', store: new TestLockStore() });
    const app = await start(new LimitedStore(), { imports: [single], providers: [Elsewhere] });
    expect(await app.get(Elsewhere).submit()).toBe('submitted');
  });

  it('is refused by the module that it names, and by no other', async () => {
    class Elsewhere {
      @WithPermit('authority', { permits: 4, using: 'quorum' })
      async submit(): Promise<void> {}
    }
    const quorum = LockModule.forRoot({ name: 'quorum', store: new LimitedStore() });
    await expect(
      start(new TestLockStore(), { imports: [quorum], providers: [Elsewhere] }),
    ).rejects.toThrow(/^@WithPermit on Elsewhere\.submit: there are no semaphores/);
  });

  describe('where modules that are not global have a service each', () => {
    const moduleOf = (store: LockStore, provider: new () => object): object => {
      const locks = LockModule.forRoot({ store, isGlobal: false, drainTimeout: 0 });

      @Module({ imports: [locks], providers: [provider] })
      class FeatureModule {}
      return FeatureModule;
    };

    async function startBoth(limited: new () => object, other: new () => object): Promise<void> {
      const imports = [moduleOf(new LimitedStore(), limited), moduleOf(new TestLockStore(), other)];
      const app = await Test.createTestingModule({ imports: imports as never }).compile();
      await app.init();
      await app.close();
    }

    class Fine {
      @Locked('a')
      async run(): Promise<void> {}
    }

    it('is refused by its own', async () => {
      await expect(startBoth(Permitted, Fine)).rejects.toThrow(NO_SEMAPHORES);
    });

    it.each([Permitted, RequestScoped])(
      'is not refused by that of another module: %p',
      async (provider) => {
        await expect(startBoth(Fine, provider)).resolves.toBeUndefined();
      },
    );
  });

  it('is not looked at where a stub stands for the service', async () => {
    const app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ store: new LimitedStore() })],
      providers: [Permitted],
    })
      .overrideProvider(LockService)
      .useValue({ semaphore: () => ({ withPermit: async () => 'stub' }) })
      .compile();
    await app.init();
    expect(await app.get(Permitted).submit()).toBe('stub');
    await app.close();
  });
});

describe('a call that the store cannot keep', () => {
  let store: LimitedStore;
  let locks: LockService;
  beforeEach(async () => {
    store = new NodesStore();
    locks = await lockService({ store });
  });

  const LONG = { ttl: '1 minute' } as const;
  const work = jest.fn();

  it.each<[string, (locks: LockService) => unknown, string]>([
    ['semaphore', (it) => it.semaphore('a', 2), `semaphore "a": ${NO_SEMAPHORES}`],
    [
      'acquire, shared',
      (it) => it.acquire('a', { mode: 'shared' }),
      `lock "a": ${NO_SHARED_LOCKS}`,
    ],
    [
      'tryAcquire, shared, of several',
      (it) => it.tryAcquire(['a', 'b'], { mode: 'shared' }),
      `lock "a", "b": ${NO_SHARED_LOCKS}`,
    ],
    [
      'withLock, shared',
      (it) => it.withLock('a', work, { mode: 'shared' }),
      `lock "a": ${NO_SHARED_LOCKS}`,
    ],
    ['acquire', (it) => it.acquire('a', LONG), `lock "a": "ttl" (60000 ms) ${MAX_TTL}`],
    ['tryAcquire', (it) => it.tryAcquire('a', LONG), `lock "a": "ttl" (60000 ms) ${MAX_TTL}`],
    ['withLock', (it) => it.withLock('a', work, LONG), `lock "a": "ttl" (60000 ms) ${MAX_TTL}`],
    ['once', (it) => it.once('a', work, LONG), `lock "a": "ttl" (60000 ms) ${MAX_TTL}`],
    [
      'acquire with minHold',
      (it) => it.acquire('a', { minHold: '1 minute' }),
      `lock "a": "minHold" (60000 ms) ${MAX_TTL}`,
    ],
    [
      'acquire with minReplicas',
      (it) => it.acquire('a', { minReplicas: 1 }),
      'lock "a": "minReplicas" is for replicas of one Redis; over several nodes most of them have a lock before it is ' +
        'given. Leave it out.',
    ],
  ])('is refused before the store is asked: %s', async (_, call, message) => {
    const error = await errorOf((async () => call(locks))());
    expect(error).toBeInstanceOf(LockOptionsError);
    expect((error as Error).message).toBe(message);
    expect(store.asked).toEqual([]);
    expect(work).not.toHaveBeenCalled();
  });

  it.each<AcquireOptions>([{ ttl: 30_000 }, { minHold: 30_000 }, { maxHold: '1h' }, {}])(
    'is none that is within its limits: %j',
    async (options) => {
      expect(await locks.withLock('a', () => 'done', options)).toBe('done');
    },
  );

  it('is refused of a job, too', async () => {
    const app = await start(store, {});
    const job = new Job({ name: 'invoice', concurrency: 4, ttl: '1 minute' });
    const semaphore = app.get(JobSemaphore);
    await expect(semaphore.tryAcquire(job)).rejects.toThrow(NO_SEMAPHORES);
    await expect(semaphore.acquire(job)).rejects.toThrow(NO_SEMAPHORES);
    await expect(app.get(JobLockManager).lock(job, 7)).rejects.toThrow('"ttl" (60000 ms) is above');
    expect(store.asked).toEqual([]);
  });

  it('is refused to lock.extend, and the lease is what it was', async () => {
    const lock = await locks.acquire('a');
    const { remainingMs } = lock;
    const asked = [...store.asked];
    await expect(lock.extend('1 minute')).rejects.toThrow(
      `extend("a"): the ttl (60000 ms) ${MAX_TTL}`,
    );
    expect(lock.remainingMs).toBe(remainingMs);
    expect(store.asked).toEqual(asked);
    await lock.extend('20s');
    expect(lock.remainingMs).toBeLessThanOrEqual(20_000);
    expect(lock.isHeld).toBe(true);
  });

  describe('attach', () => {
    /** A service on a store that can do more. */
    const elsewhere = (): Promise<LockService> => lockService({ store: new TestLockStore() });

    it.each<[string, (other: LockService) => Promise<{ detach(): string }>, string]>([
      [
        'with a longer ttl',
        (other) => other.acquire('a', LONG),
        `attach("a"): "ttl" (60000 ms) ${MAX_TTL}`,
      ],
      [
        'with a longer minHold',
        (other) => other.acquire('a', { minHold: '1 minute' }),
        `attach("a"): "minHold" (60000 ms) ${MAX_TTL}`,
      ],
      [
        'that is shared',
        (other) => other.acquire('a', { mode: 'shared' }),
        `attach("a"): ${NO_SHARED_LOCKS}`,
      ],
      [
        'that is a permit',
        (other) => other.semaphore('a', 2).acquire(),
        `attach("a"): ${NO_SEMAPHORES}`,
      ],
      [
        'of which one is too long',
        async (other) => other.acquire(['a', 'b'], LONG),
        `attach("a"): "ttl" (60000 ms) ${MAX_TTL}`,
      ],
    ])('refuses a lock %s, and leaves it as it is', async (_, take, message) => {
      const other = await elsewhere();
      const text = (await take(other)).detach();
      await expect(locks.attach(text)).rejects.toThrow(message);
      expect(store.asked).toEqual([]);
      expect((await other.attach(text)).isHeld).toBe(true);
    });

    it('takes one that is not too long', async () => {
      const text = (await locks.acquire('a', { ttl: '30s' })).detach();
      expect((await locks.attach(text)).isHeld).toBe(true);
    });
  });
});

describe("the module's own ttl", () => {
  it('is refused at start if the store keeps no lease for so long', async () => {
    const starting = lockService({ store: new LimitedStore(), ttl: '31s' });
    await expect(starting).rejects.toThrow(
      'LockModule options: "ttl" (31000 ms) is above 30000 ms, the longest that the lock store (test store) keeps a lease ' +
        'without renewal. Write a shorter one.',
    );
  });
});
