import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { LockModule } from 'nestjs-locker';
import { InvoiceService } from './invoice.service.js';
import { TaxAuthority } from './tax-authority.js';

it('makes the report once in two replicas', async () => {
  const prefix = `test-${randomUUID()}`; // tests that run side by side do not meet
  const startReplica = async () => {
    const app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ redis: process.env.REDIS_URL, prefix })],
      providers: [InvoiceService, TaxAuthority],
    }).compile();
    return app.init();
  };
  const replicas = await Promise.all([startReplica(), startReplica()]);
  const reports = replicas.map((app) => app.get(InvoiceService).report());
  expect((await Promise.all(reports)).filter((report) => report === 'made')).toHaveLength(1);
  await Promise.all(replicas.map((app) => app.close()));
});
