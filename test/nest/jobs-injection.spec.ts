import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  getJobLockManagerToken,
  getJobSemaphoreToken,
  InjectJobLockManager,
  InjectJobSemaphore,
  Job,
  JobLockManager,
  JobSemaphore,
  LockModule,
  LockService,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { afterTest, lockApp } from '../support/lock-service.js';

interface Invoice {
  readonly id: number;
  readonly customer: string;
}

const INVOICES = new Job<Invoice>({ name: 'invoice', concurrency: 1 });
const INVOICE: Invoice = { id: 42, customer: 'ann' };

@Injectable()
class Worker {
  constructor(
    readonly manager: JobLockManager,
    readonly semaphore: JobSemaphore,
    @InjectJobLockManager() readonly sameManager: JobLockManager,
    @InjectJobSemaphore() readonly sameSemaphore: JobSemaphore,
  ) {}

  /** @returns whether it was done now */
  async work(invoice: Invoice): Promise<boolean> {
    if (!(await this.semaphore.tryAcquire(INVOICES))) return false;
    try {
      if (!(await this.manager.lock(INVOICES, invoice))) return false;
      await this.manager.successfullyProcessed(INVOICES, invoice);
      return true;
    } finally {
      await this.semaphore.release(INVOICES);
    }
  }
}

@Module({ providers: [Worker], exports: [Worker] })
class WorkerModule {}

@Injectable()
class BillingWorker {
  constructor(
    readonly manager: JobLockManager,
    readonly semaphore: JobSemaphore,
    @InjectJobLockManager('billing') readonly billing: JobLockManager,
    @InjectJobSemaphore('billing') readonly billingSemaphore: JobSemaphore,
  ) {}
}

@Module({ providers: [BillingWorker] })
class BillingModule {}

type Imports = NonNullable<Parameters<typeof Module>[0]['imports']>;

const start = async (...imports: Imports) => {
  const app = await Test.createTestingModule({ imports }).compile();
  afterTest(() => app.close());
  return app.init();
};

describe('JobLockManager and JobSemaphore', () => {
  it('are injected everywhere, one for the whole application', async () => {
    const store = new TestLockStore();
    const app = await start(LockModule.forRoot({ store }), WorkerModule);
    const worker = app.get(Worker);
    expect(worker.manager).toBeInstanceOf(JobLockManager);
    expect(worker.semaphore).toBeInstanceOf(JobSemaphore);
    expect(worker.sameManager).toBe(worker.manager);
    expect(worker.sameSemaphore).toBe(worker.semaphore);
    expect(app.get(getJobLockManagerToken())).toBe(worker.manager);
    expect(app.get(getJobSemaphoreToken())).toBe(worker.semaphore);
    expect([await worker.work(INVOICE), await worker.work(INVOICE)]).toEqual([true, false]);
    expect(await app.get(LockService).outcomes.of('invoice:42')).toMatchObject({
      job: 'invoice',
      state: 'processed',
    });
  });

  it('are made by forRootAsync, too', async () => {
    const useFactory = async () => ({ store: new TestLockStore() });
    const app = await start(LockModule.forRootAsync({ useFactory }), WorkerModule);
    expect(await app.get(Worker).work(INVOICE)).toBe(true);
  });

  it('are seen with isGlobal: false by those that import the module', async () => {
    const locks = LockModule.forRoot({ store: 'memory', isGlobal: false });

    @Module({ imports: [locks], providers: [Worker] })
    class ImportingModule {}

    await expect(start(locks, WorkerModule)).rejects.toThrow(/JobLockManager/);
    const app = await start(ImportingModule);
    expect(await app.get(Worker).work(INVOICE)).toBe(true);
  });

  it('have names, each with its own store', async () => {
    const [store, billingStore] = [new TestLockStore(), new TestLockStore()];
    const useFactory = () => ({ store: billingStore });
    const app = await start(
      LockModule.forRoot({ store }),
      LockModule.forRootAsync({ name: 'billing', useFactory }),
      BillingModule,
    );
    const worker = app.get(BillingWorker);
    expect(worker.billing).toBeInstanceOf(JobLockManager);
    expect(worker.billingSemaphore).toBeInstanceOf(JobSemaphore);
    expect(app.get(getJobLockManagerToken('billing'))).toBe(worker.billing);
    expect(app.get(getJobSemaphoreToken('billing'))).toBe(worker.billingSemaphore);

    await billingStore.busy('invoice:42');
    expect(await worker.manager.lock(INVOICES, INVOICE)).toBe(true);
    expect(await worker.billing.lock(INVOICES, INVOICE)).toBe(false);
    expect(await worker.semaphore.tryAcquire(INVOICES)).toBe(true);
    expect(await worker.semaphore.tryAcquire(INVOICES)).toBe(false);
    expect(await worker.billingSemaphore.tryAcquire(INVOICES)).toBe(true);
    await worker.manager.unlock(INVOICES, INVOICE);
    await worker.semaphore.release(INVOICES);
    await worker.billingSemaphore.release(INVOICES);
  });

  it('are missed under the name that is missing', async () => {
    const named = LockModule.forRoot({ name: 'tax', store: 'memory' });
    const locks = LockModule.forRoot({ store: 'memory' });
    await expect(start(locks, named, BillingModule)).rejects.toThrow(/JobLockManager:billing/);
  });

  it('work in an application context without a server', async () => {
    @Module({ imports: [LockModule.forRoot({ store: new TestLockStore() }), WorkerModule] })
    class AppModule {}
    const options = { logger: false, abortOnError: false } as const;
    const app = await NestFactory.createApplicationContext(AppModule, options);
    afterTest(() => app.close());
    expect(await app.get(Worker).work(INVOICE)).toBe(true);
  });
});

describe('a Job', () => {
  it('takes its own elements alone, as the compiler sees', async () => {
    const app = await lockApp({ store: 'memory' });
    const manager = app.get(JobLockManager);
    const texts = new Job({ name: 'report' });
    const wrong = async (): Promise<void> => {
      // @ts-expect-error no customer
      await manager.lock(INVOICES, { id: 42 });
      // @ts-expect-error no invoice
      await manager.lockAll(INVOICES, [42]);
      // @ts-expect-error no invoice
      await manager.successfullyProcessed(INVOICES, '42');
      // @ts-expect-error no invoice
      manager.lockOf(INVOICES, '42');
      // @ts-expect-error neither a text nor a number
      await manager.unlock(texts, INVOICE);
      // @ts-expect-error no decision
      await manager.resolve(INVOICES, INVOICE, 'hold');
      // @ts-expect-error the function takes something else
      void new Job<Invoice>({ name: 'invoice', id: (text: string) => text });
      // @ts-expect-error no property of an invoice
      void new Job<Invoice>({ name: 'invoice', compensate: (_, { total }) => total });
    };
    void wrong;
    const { granted, busy } = await manager.lockAll(INVOICES, [INVOICE, INVOICE]);
    const customers: string[] = granted.map(({ customer }) => customer);
    expect([customers, busy]).toEqual([['ann'], []]);
    expect((await manager.lock(texts, 'a')) && (await manager.lock(texts, 1))).toBe(true);
  });
});
