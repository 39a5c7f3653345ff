import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LockService } from 'nestjs-locker';
import { lockService } from '../support/lock-service.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

describe('the overview over several nodes', () => {
  let nodes: RedisNodes;
  beforeAll(async () => {
    nodes = await RedisNodes.start(3);
  });
  afterAll(() => nodes.stop());

  const serviceOf = (service: string): Promise<LockService> =>
    lockService({ nodes: nodes.urls, service, reports: 100, firstDeployment: true });

  const namesOf = async (locks: LockService): Promise<string> =>
    (await locks.overview.held()).names.map(({ name }) => name).join();

  it('is that of all of them, with one that hangs, and when it is back', async () => {
    const [billing, shipping] = [await serviceOf('billing'), await serviceOf('shipping')];
    const untilHeld = (names: string) =>
      until(async () => (await namesOf(shipping)) === names, {
        what: `it lists ${names}`,
        timeoutMs: 15_000,
      });
    const a = await billing.acquire('a');
    await shipping.acquire('b');
    await untilHeld('a,b');
    expect((await shipping.overview.held()).names[0]).toMatchObject({
      name: 'a',
      kind: 'lock',
      holders: [{ holder: { service: 'billing' }, fencingToken: a.fencingToken }],
    });
    const [server] = nodes.servers;
    server!.pause();
    await billing.acquire('c');
    await untilHeld('a,b,c');
    expect(await shipping.overview.processes()).toHaveLength(2);
    await a.release();
    await shipping.forceRelease('b');
    await untilHeld('c');
    server!.resume();
    await billing.acquire('d');
    await untilHeld('c,d');
    const forced = async () =>
      (await billing.overview.events()).filter(({ type }) => type === 'forced');
    await until(async () => (await forced()).length > 0, { what: 'it is told' });
    expect(await forced()).toMatchObject([{ name: 'b', process: { service: 'shipping' } }]);
    expect(await billing.overview.queueOf({ name: 'c', kind: 'lock' })).toEqual([]);
    await expect(billing.outcomes.page('c', 'processed', '{"0":"x"}')).rejects.toThrow(
      'write what the page before has given',
    );
    await billing.once('invoice:1', () => 1);
    const jobs = async () => (await shipping.overview.jobs()).length;
    await until(async () => (await jobs()) === 1, { what: 'the job is told', timeoutMs: 15_000 });
  });
});
