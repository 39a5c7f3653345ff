import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { LockModule, LockService } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { until } from '../../../test/support/until.js';
import { ReportService } from './report.service.js';
import { Reports } from './reports.js';

it('makes no report whose lock has ended', async () => {
  const store = new TestLockStore();
  const app = await Test.createTestingModule({
    imports: [LockModule.forRoot({ store })],
    providers: [ReportService, Reports],
  }).compile();
  await app.init();

  const run = app
    .get(ReportService)
    .makeReport()
    .catch((error: unknown) => error);
  const locks = app.get(LockService);
  await until(() => locks.held().length === 1, { what: 'it is at work' });
  await store.forceLose('nightly-report'); // as `maxHold` does
  expect(await run).toMatchObject({ name: 'AbortError' }); // the work's own: it has stopped
  expect(app.get(Reports).made).toEqual([]);
  await app.close();
});
