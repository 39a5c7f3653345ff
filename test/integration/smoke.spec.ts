import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Locked, LockModule, LockService, LockBusyError } from 'nestjs-locker';

@Injectable()
class InvoiceService {
  constructor(readonly locks: LockService) {}

  @Locked('invoice:<invoice.id>', { wait: 50 })
  async issue(invoice: { id: number }, work: () => Promise<void> = async () => {}) {
    await work();
    return `${invoice.id}:${this.locks.current()?.fencingToken}`;
  }
}

describe('a locked method on a real Redis', () => {
  let app: TestingModule;
  beforeAll(async () => {
    app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ redis: process.env['REDIS_URL'] })],
      providers: [InvoiceService],
    }).compile();
    await app.init();
  });
  afterAll(() => app.close());

  it('runs once at a time', async () => {
    const service = app.get(InvoiceService);
    const locks = app.get(LockService);
    expect(await service.issue({ id: 1 })).toMatch(/^1:\d{16}$/);
    await service.issue({ id: 1 }, async () => {
      expect(await locks.tryAcquire('invoice:1')).toBeNull();
      expect(await locks.inspect('invoice:1')).toMatchObject({ holder: { pid: process.pid } });
      await expect(locks.acquire('invoice:1', { wait: 50 })).rejects.toThrow(LockBusyError);
    });
    expect(await locks.inspect('invoice:1')).toBeNull();
  });
});
