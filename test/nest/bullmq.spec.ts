import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import { Test } from '@nestjs/testing';
import { type ConnectionOptions, type Job, Queue, QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import { Locked, LockModule, LockService } from 'nestjs-locker';
import { afterTest, RecordingLogger } from '../support/lock-service.js';
import { startApp } from './fixtures/app.js';

const url = new URL(process.env['REDIS_URL']!);
const connection = { host: url.hostname, port: Number(url.port) };
const queueName = `invoices-${randomUUID()}`;

@Processor(queueName)
class InvoiceProcessor extends WorkerHost {
  constructor(private readonly locks: LockService) {
    super();
  }

  @Locked('invoice:<job.data.id>', { onBusy: () => 'busy' })
  override async process(job: Job<{ id: number }>): Promise<string> {
    return `${job.data.id}:${this.locks.current()?.name}`;
  }
}

describe('a BullMQ processor', () => {
  it('works under the lock', async () => {
    const { app, store } = await startApp({
      imports: [BullModule.forRoot({ connection }), BullModule.registerQueue({ name: queueName })],
      providers: [InvoiceProcessor],
    });
    const queue = app.get<Queue>(getQueueToken(queueName));
    const events = new QueueEvents(queueName, { connection });
    afterTest(() => events.close());
    await events.waitUntilReady();
    const work = async (id: number): Promise<unknown> =>
      (await queue.add('issue', { id })).waitUntilFinished(events, 5_000);

    expect(await work(7)).toBe('7:invoice:7');
    await store.busy('invoice:8');
    expect(await work(8)).toBe('busy');
  });
});

describe('a connection that BullMQ uses', () => {
  const locksOn = async (client: Redis): Promise<void> => {
    const app = await Test.createTestingModule({ imports: [LockModule.forRoot({ redis: client })] })
      .setLogger(new RecordingLogger())
      .compile();
    await app.init();
    const locks = app.get(LockService);
    const name = `bullmq:${randomUUID()}`;
    const lock = await locks.acquire(name);
    expect(await locks.inspect(name)).toMatchObject({ holder: { pid: process.pid } });
    expect(await locks.tryAcquire(name)).toBeNull();
    expect(await lock.release()).toBe('released');
    await app.close();
  };
  // What BullMQ wants of a client that it is given.
  const options = { ...connection, maxRetriesPerRequest: null };

  it('serves locks as well, and is left open', async () => {
    const client = new Redis(options);
    afterTest(() => client.quit());
    const queue = new Queue(queueName, { connection: client as unknown as ConnectionOptions });
    afterTest(() => queue.close());
    await queue.add('issue', { id: 7 });
    await locksOn(client);
    expect(await queue.getJobCountByTypes('waiting')).toBe(1);
  });

  it('may come from a copy of ioredis of its own', async () => {
    const { resolve } = createRequire(import.meta.url);
    const copy = createRequire(resolve('bullmq'))('ioredis') as typeof import('ioredis');
    const client = new copy.Redis(options);
    afterTest(() => client.quit());
    await locksOn(client);
    expect(await client.ping()).toBe('PONG');
  });
});
