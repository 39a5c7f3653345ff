import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { tenureOf } from '../../test/support/tenures.js';
import { until } from '../../test/support/until.js';
import { ManualClock } from '../testing/manual.clock.js';
import { LeakWatch } from './leak-watch.js';
import { Lock, type LockOperations } from './lock.js';
import { TenureGroup } from './tenure-group.js';
import type { Holding, Tenure } from './tenure.js';

describe('LeakWatch', () => {
  const onLeak = jest.fn<(tenure: Tenure, stack: string | undefined) => void>();
  let watch: LeakWatch;
  let tenure: Tenure;
  beforeEach(() => {
    onLeak.mockReset();
    watch = new LeakWatch(false, onLeak);
    tenure = tenureOf(new ManualClock());
  });

  const lockOf = (holding: Holding) => new Lock(holding, {} as LockOperations);
  /** In a frame of its own, which keeps nothing. */
  const forget = () => watch.watch(lockOf(tenure), tenure);
  const renew = async () => {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    await new Promise((resolve) => setImmediate(resolve)); // what was looked at lives until then
    watch.check(tenure);
  };
  const untilTold = () =>
    until(async () => (await renew(), onLeak.mock.calls.length > 0), { what: 'the leak is told' });

  it('tells once of a handle that is gone, but not before the second renewal', async () => {
    forget();
    await renew();
    expect(onLeak).not.toHaveBeenCalled();
    await untilTold();
    await renew();
    expect(onLeak.mock.calls).toEqual([[tenure, undefined]]);
  });

  it('tells where it was taken, if it shall', async () => {
    watch = new LeakWatch(true, onLeak);
    forget();
    await untilTold();
    expect(onLeak.mock.calls[0]![1]).toContain('leak-watch.spec');
  });

  it('tells of each of several names, though one was lost before', async () => {
    const [lost, held] = [tenure, tenureOf(new ManualClock(), { name: 'b' })];
    const group = new TenureGroup([lost, held]);
    (() => watch.watch(lockOf(group), group))();
    lost.lease.lose('forced');
    tenure = held;
    await untilTold();
    expect(onLeak.mock.calls).toEqual([[held, undefined]]);
  });

  it('tells nothing of a handle in use, nor of one that was released while others go on', async () => {
    const used = lockOf(tenure);
    watch.watch(used, tenure);
    (() => {
      const released = lockOf(tenure);
      watch.watch(released, tenure);
      watch.unwatch(released, tenure);
    })();
    for (let i = 0; i < 3; i++) await renew();
    expect(onLeak).not.toHaveBeenCalled();
    expect(used.isHeld).toBe(true);
  });

  it('tells of the one of several handles that is gone', async () => {
    const used = lockOf(tenure);
    watch.watch(used, tenure);
    forget();
    await untilTold();
    expect(onLeak).toHaveBeenCalledTimes(1);
    expect(tenure.watched).toBeDefined();
    expect(used.isHeld).toBe(true);
  });
});
