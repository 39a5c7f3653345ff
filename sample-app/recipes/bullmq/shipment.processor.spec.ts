import { BullModule } from '@nestjs/bullmq';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  describe,
  it,
  jest,
} from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { type Job, Queue } from 'bullmq';
import { LockModule, LockService } from 'nestjs-locker';
import { RedisServer } from '../../../test/support/redis-server.js';
import { until } from '../../../test/support/until.js';
import { type Shipment, ShipmentProcessor } from './shipment.processor.js';
import { Warehouse } from './warehouse.js';

jest.setTimeout(60_000);

const JOBS = 200;
const jobs = Array.from({ length: JOBS }, (_, turn) => ({
  name: 'ship',
  data: { customer: `customer-${turn % 40}`, parcel: turn },
}));

describe('the processor', () => {
  let redis: RedisServer;
  let app: TestingModule;
  let queue: Queue<Shipment>;
  let warehouse: Warehouse;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());

  beforeEach(async () => {
    const connection = { url: redis.url };
    app = await Test.createTestingModule({
      imports: [
        LockModule.forRoot({ redis: redis.url }),
        BullModule.forRoot({ connection }),
        BullModule.registerQueue({ name: 'shipments' }),
      ],
      providers: [ShipmentProcessor, Warehouse],
    }).compile();
    await app.init();
    warehouse = app.get(Warehouse);
    queue = new Queue('shipments', { connection });
  });

  afterEach(async () => {
    await app.close();
    await queue.close();
    await redis.client().flushall();
  });

  it('fails no job when the application is closed while jobs wait', async () => {
    await queue.addBulk(jobs);
    await until(() => warehouse.packed.length > 4, { what: 'some are packed' });
    await app.close();
    const counts = await queue.getJobCounts();
    expect(counts['failed']).toBe(0);
    expect(counts['completed']).toBe(warehouse.packed.length);
    expect(counts['completed']! + counts['waiting']! + counts['delayed']!).toBe(JOBS);
  });

  it('gives jobs back that it is handed while locks are refused', async () => {
    await app.get(LockService).onModuleDestroy(); // as if it were the first to be told
    await queue.addBulk(jobs.slice(0, 20));
    await until(async () => (await queue.getDelayedCount()) === 20, { what: 'all are delayed' });
    expect(await queue.getFailedCount()).toBe(0);
    expect(warehouse.packed).toEqual([]);
  });

  it('gives a job back whose customer is busy, for a second at least', async () => {
    const lock = await app.get(LockService).acquire('customer:customer-0');
    const [job] = await queue.addBulk(jobs.slice(0, 1));
    await until(async () => (await queue.getDelayedCount()) === 1, { what: 'it is delayed' });
    await lock.release();
    const { finishedOn, timestamp } = await finished(job!.id!);
    expect(finishedOn! - timestamp).toBeGreaterThanOrEqual(1_000);
    expect(warehouse.packed).toHaveLength(1);
  });

  it('completes a job that lost its customer at the end, and packs its parcel once', async () => {
    const pack = warehouse.pack.bind(warehouse);
    jest.spyOn(warehouse, 'pack').mockImplementation(async (shipment) => {
      await pack(shipment);
      await app.get(LockService).forceRelease('customer:customer-0');
      await until(() => app.get(LockService).held().length === 1, { what: 'it is told' });
    });
    const [job] = await queue.addBulk(jobs.slice(0, 1));
    await finished(job!.id!);
    expect(warehouse.packed).toHaveLength(1);
    expect(await queue.getFailedCount()).toBe(0);
  });

  it('packs nothing again of which nobody knows whether it was packed', async () => {
    const { worker } = app.get(ShipmentProcessor);
    const failures: string[] = [];
    worker.on('failed', (_, error) => failures.push(error.name));
    const pack = jest.spyOn(warehouse, 'pack').mockImplementation(async () => {
      for (const { name } of app.get(LockService).held()) {
        await app.get(LockService).forceRelease(name);
      }
      await until(() => app.get(LockService).held().length === 0, { what: 'it is told' });
      throw new Error('no answer');
    });
    const [job] = await queue.addBulk(jobs.slice(0, 1));
    await until(async () => (await queue.getFailedCount()) === 1, { what: 'it failed' });
    await (await queue.getJob(job!.id!))!.retry();
    await until(() => failures.length === 2, { what: 'it failed again' });
    expect(failures).toEqual(['Error', 'OutcomeUnknownError']);
    expect(pack).toHaveBeenCalledTimes(1);
  });

  async function finished(id: string): Promise<Job<Shipment>> {
    await until(async () => (await (await queue.getJob(id))!.getState()) === 'completed', {
      what: 'the job is done',
      timeoutMs: 15_000,
    });
    return (await queue.getJob(id))!;
  }
});
