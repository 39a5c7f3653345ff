import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getLockServiceToken,
  InjectLockService,
  Locked,
  LockModule,
  LockOptionsError,
  LockService,
  type LockModuleOptions,
  type LockOptionsFactory,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';

@Injectable()
class InvoiceService {
  constructor(readonly locks: LockService) {}

  @Locked('invoice:<id>')
  async issue(id: number): Promise<string> {
    return `${id}:${this.locks.current()?.name}`;
  }
}

@Module({ providers: [InvoiceService], exports: [InvoiceService] })
class InvoiceModule {}

/** Starts an application, has `use` look at it, and closes it. */
async function withApp(
  imports: Parameters<typeof Module>[0]['imports'],
  use: (app: Awaited<ReturnType<typeof start>>) => Promise<void>,
): Promise<void> {
  const app = await start(imports);
  try {
    await use(app);
  } finally {
    await app.close();
  }
}

async function start(imports: Parameters<typeof Module>[0]['imports']) {
  const app = await Test.createTestingModule({ imports: imports ?? [] }).compile();
  return app.init();
}

const TTL_MS = 12_345;

/** The ttl that the module was given shows in the lease. */
async function expectTtl(locks: LockService, ttlMs: number): Promise<void> {
  await locks.withLock('probe', async (lock) => {
    expect(lock.remainingMs).toBeGreaterThan(ttlMs * 0.9);
    expect(lock.remainingMs).toBeLessThanOrEqual(ttlMs);
  });
}

describe('LockModule.forRoot', () => {
  it('provides the service everywhere', async () => {
    await withApp(
      [LockModule.forRoot({ store: 'memory', ttl: TTL_MS }), InvoiceModule],
      async (app) => {
        await expectTtl(app.get(LockService), TTL_MS);
        expect(await app.get(InvoiceService).issue(7)).toBe('7:invoice:7');
      },
    );
  });

  it('is not global with isGlobal: false, and reaches modules that import it', async () => {
    const locks = LockModule.forRoot({ store: 'memory', isGlobal: false });

    @Module({ imports: [locks], providers: [InvoiceService] })
    class ImportingModule {}

    await expect(start([locks, InvoiceModule])).rejects.toThrow(/InvoiceService/);
    await withApp([ImportingModule], async (app) => {
      expect(await app.get(InvoiceService, { strict: false }).issue(7)).toBe('7:invoice:7');
    });
  });
});

describe('LockModule.forRootAsync', () => {
  @Injectable()
  class Settings {
    readonly store = new TestLockStore();
    readonly ttl = TTL_MS;
  }

  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  @Injectable()
  class LockSettings implements LockOptionsFactory {
    static made = 0;
    asked = 0;

    constructor(private readonly settings: Settings) {
      LockSettings.made++;
    }

    createLockOptions(): LockModuleOptions {
      this.asked++;
      return { store: this.settings.store, ttl: this.settings.ttl };
    }
  }

  @Module({
    imports: [SettingsModule],
    providers: [LockSettings],
    exports: [LockSettings, SettingsModule],
  })
  class LockSettingsModule {}

  it('takes useFactory, inject and imports', async () => {
    const locks = LockModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: async ({ store, ttl }: Settings) => ({ store, ttl }),
    });
    await withApp([locks, InvoiceModule], async (app) => {
      await expectTtl(app.get(LockService), TTL_MS);
      expect(await app.get(InvoiceService).issue(7)).toBe('7:invoice:7');
    });
  });

  it('takes useClass, of which it makes an instance of its own', async () => {
    LockSettings.made = 0;
    const locks = LockModule.forRootAsync({
      imports: [LockSettingsModule],
      useClass: LockSettings,
    });
    await withApp([locks], async (app) => {
      await expectTtl(app.get(LockService), TTL_MS);
      expect(LockSettings.made).toBe(2);
    });
  });

  it('takes useExisting, and uses that very instance', async () => {
    LockSettings.made = 0;
    const locks = LockModule.forRootAsync({
      imports: [LockSettingsModule],
      useExisting: LockSettings,
    });
    await withApp([locks], async (app) => {
      await expectTtl(app.get(LockService), TTL_MS);
      expect(LockSettings.made).toBe(1);
      expect(app.get(LockSettings).asked).toBe(1);
    });
  });

  it('checks what the factory gives', async () => {
    const locks = LockModule.forRootAsync({
      useFactory: () => ({ store: 'memory', ttl: -1 }) as const,
    });
    await expect(start([locks])).rejects.toThrow(LockOptionsError);
  });

  it('is global unless told otherwise', async () => {
    const locks = LockModule.forRootAsync({
      isGlobal: false,
      useFactory: () => ({ store: 'memory' }) as const,
    });
    await expect(start([locks, InvoiceModule])).rejects.toThrow(/InvoiceService/);
  });
});

describe('a named instance', () => {
  @Injectable()
  class BillingService {
    constructor(
      readonly locks: LockService,
      @InjectLockService('billing') readonly billing: LockService,
      @InjectLockService() readonly same: LockService,
    ) {}

    @Locked('invoice:<id>', { using: 'billing' })
    async bill(id: number): Promise<(string | undefined)[]> {
      return [this.locks.current()?.name, this.billing.current()?.name, `${id}`];
    }

    @Locked('invoice:<id>')
    async issue(id: number): Promise<(string | undefined)[]> {
      return [this.locks.current()?.name, this.billing.current()?.name, `${id}`];
    }
  }

  @Module({ providers: [BillingService], exports: [BillingService] })
  class BillingModule {}

  it('stands beside the default one, each with its own store', async () => {
    const [store, billingStore] = [new TestLockStore(), new TestLockStore()];
    const imports = [
      LockModule.forRoot({ store }),
      LockModule.forRoot({ name: 'billing', store: billingStore }),
      BillingModule,
    ];
    await withApp(imports, async (app) => {
      const service = app.get(BillingService);
      expect(service.same).toBe(service.locks);
      expect(service.billing).not.toBe(service.locks);
      expect(app.get(getLockServiceToken('billing'))).toBe(service.billing);
      await store.busy('invoice:1');
      await billingStore.busy('invoice:2');
      expect(await service.bill(1)).toEqual([undefined, 'invoice:1', '1']);
      expect(await service.issue(2)).toEqual(['invoice:2', undefined, '2']);
    });
  });

  it('is made by forRootAsync too, alone as well', async () => {
    @Injectable()
    class OnlyBilling {
      constructor(@InjectLockService('billing') readonly billing: LockService) {}

      @Locked('x', { using: 'billing' })
      async bill(): Promise<string | undefined> {
        return this.billing.current()?.name;
      }
    }

    @Module({ providers: [OnlyBilling], exports: [OnlyBilling] })
    class OnlyBillingModule {}

    const locks = LockModule.forRootAsync({
      name: 'billing',
      useFactory: () => ({ store: new TestLockStore() }),
    });
    await withApp([locks, OnlyBillingModule], async (app) => {
      expect(await app.get(OnlyBilling).bill()).toBe('x');
    });
  });

  it('with isGlobal: false is seen by its importers only', async () => {
    const options = { name: 'billing', isGlobal: false, store: 'memory' } as const;
    const imports = [LockModule.forRoot({ store: 'memory' }), LockModule.forRoot(options)];
    await expect(start([...imports, BillingModule])).rejects.toThrow(/LockService:billing/);
  });
});
