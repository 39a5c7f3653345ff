import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Job, JobLockManager, Locked, LockModule, LockService } from 'nestjs-locker';
import { afterTest } from '../support/lock-service.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const INVOICES = new Job<{ id: number }>({ name: 'invoice', onUnknown: 'hold' });

@Injectable()
class Invoices {
  readonly issued: number[] = [];

  @Locked('invoice:<id>', { once: { storeResult: true, onUnknown: 'hold' } })
  async issue(id: number): Promise<string> {
    this.issued.push(id);
    return `receipt ${id}`;
  }
}

describe('a module over several nodes', () => {
  let nodes: RedisNodes;
  beforeAll(async () => {
    nodes = await RedisNodes.start(3);
  });
  afterAll(() => nodes.stop());

  /** One replica of the application. */
  async function replica() {
    const options = { nodes: nodes.urls, ttl: '5s', firstDeployment: true } as const;
    const module = await Test.createTestingModule({
      imports: [LockModule.forRoot(options)],
      providers: [Invoices],
    }).compile();
    const app = await module.init();
    afterTest(() => app.close());
    const locks = app.get(LockService);
    await until(() => locks.nodes().every(({ state }) => state === 'voting'), {
      what: 'all vote',
    });
    return { locks, invoices: app.get(Invoices), manager: app.get(JobLockManager) };
  }

  it('does decorated methods once in all replicas, and replays what came of it', async () => {
    const [one, other] = [await replica(), await replica()];
    const calls = [one, other].flatMap(({ invoices }) => [1, 2, 3].map((id) => invoices.issue(id)));
    const receipts = await Promise.all(calls);
    expect(receipts).toEqual([1, 2, 3, 1, 2, 3].map((id) => `receipt ${id}`));
    expect(new Set([...one.invoices.issued, ...other.invoices.issued])).toEqual(new Set([1, 2, 3]));
    expect(one.invoices.issued.length + other.invoices.issued.length).toBe(3);
    expect(await other.locks.outcomes.count('invoice')).toMatchObject({ processed: 3, unknown: 0 });
    expect(await other.locks.outcomes.clear('invoice', 'processed')).toBe(3);
  });

  it('gives the elements of a job to one replica, and none that is processed', async () => {
    const [one, other] = [await replica(), await replica()];
    const elements = [4, 5, 6, 7].map((id) => ({ id }));
    const { granted } = await one.manager.lockAll(INVOICES, elements);
    expect(granted).toEqual(elements);
    const [done, failed, unknown, left] = elements as [(typeof elements)[0], ...typeof elements];
    await one.manager.successfullyProcessed(INVOICES, done);
    await one.manager.unlock(INVOICES, failed!);
    await one.manager.unlock(INVOICES, unknown!, 'unknown');
    const taken = await Promise.all(elements.map((each) => other.manager.lock(INVOICES, each)));
    expect(taken).toEqual([false, true, false, false]);
    expect(await other.locks.outcomes.count('invoice')).toEqual({
      processed: 1,
      running: 2,
      unknown: 1,
    });
    expect(await other.manager.resolve(INVOICES, unknown!, 'processed')).toBe(true);
    await one.manager.unlock(INVOICES, left!);
    await other.manager.unlock(INVOICES, failed!);
    expect(await other.locks.outcomes.count('invoice')).toEqual({
      processed: 2,
      running: 0,
      unknown: 0,
    });
  });
});
