import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import {
  LockBusyError,
  Locked,
  type LockEvent,
  LockModule,
  LockService,
  type LockSkippedEvent,
  type LockStore,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { systemClock } from '../../lib/core/clock.js';
import { MemoryLockStore } from '../../lib/stores/memory/memory-lock.store.js';
import {
  afterTest,
  Deferred,
  errorOf,
  eventsOf,
  RecordingLogger,
  watch,
} from '../support/lock-service.js';
import { until } from '../support/until.js';

const MINUTE_MS = 60_000;

/** What the reports do, by the service that runs them. */
const run = jest.fn<(service: string) => unknown>();
let tick = '03:00';

@Injectable()
class Reports {
  constructor(private readonly locks: LockService) {}

  @Cron('* * * * * *', { name: 'real' })
  @Locked('real', { onBusy: 'skip', minHold: '500ms' })
  async everySecond(): Promise<void> {
    await this.work();
  }

  @Locked('nightly', { onBusy: 'skip', minHold: '10s' })
  async nightly(): Promise<void> {
    await this.work();
  }

  @Locked('unbounded', { onBusy: 'skip' })
  async unbounded(): Promise<void> {
    await this.work();
  }

  @Locked('handled', { onBusy: () => 'instead', minHold: '10s' })
  async handled(): Promise<unknown> {
    return this.work();
  }

  @Locked('thrown', { wait: 0, minHold: '10s' })
  async thrown(): Promise<void> {
    await this.work();
  }

  @Locked(() => `hourly:${tick}`, { once: '1d', onBusy: 'skip' })
  async hourly(): Promise<void> {
    await this.work();
  }

  private async work(): Promise<unknown> {
    const holder = await this.locks.inspect(this.locks.current()!.name);
    return run(holder!.holder.service);
  }
}

interface Replica {
  readonly reports: Reports;
  readonly events: LockEvent[];
}

const logger = new RecordingLogger();

const replica = async (service: string, store: LockStore, withCron: boolean): Promise<Replica> => {
  const app = await Test.createTestingModule({
    imports: [
      LockModule.forRoot({ store, service }),
      ...(withCron ? [ScheduleModule.forRoot()] : []),
    ],
    providers: [Reports],
  })
    .setLogger(logger)
    .compile();
  const events = eventsOf(app.get(LockService));
  afterTest(() => app.close());
  await app.init();
  return { reports: app.get(Reports), events };
};

const fleet = (store: LockStore, withCron = false): Promise<Replica[]> =>
  Promise.all(['one', 'two'].map((service) => replica(service, store, withCron)));

const skipsOf = (...replicas: Replica[]): LockSkippedEvent[] =>
  replicas.flatMap(({ events }) => events.filter((event) => event.type === 'skipped'));

beforeEach(() => {
  logger.lines.length = 0;
  run.mockReset();
});

describe('a job of @nestjs/schedule on two replicas', () => {
  it('runs once a tick, and the other one is told who runs it', async () => {
    const ticks: Record<number, string[]> = {};
    const tickOf = (time = Date.now()) => Math.round(time / 1_000);
    run.mockImplementation((service) => (ticks[tickOf()] ??= []).push(service));
    const replicas = await fleet(new MemoryLockStore(systemClock), true);
    const isEnough = () => Object.keys(ticks).length >= 2 && skipsOf(...replicas).length >= 2;
    await until(isEnough, { what: 'two ticks have run', timeoutMs: 15_000 });
    const runs = Object.values(ticks);
    expect(runs.map((services) => services.length)).toEqual(runs.map(() => 1));
    const [one, two] = replicas.map((each) => skipsOf(each));
    const skipped = (service: string) => ({
      type: 'skipped',
      name: 'real',
      reason: 'busy',
      holder: expect.objectContaining({ service }),
      isMissed: false,
    });
    expect(one).toEqual(one!.map(() => skipped('two')));
    expect(two).toEqual(two!.map(() => skipped('one')));
    expect(logger.lines).not.toContain('warn "real" is skipped: an earlier run still goes on.');
  });
});

describe('a job on two replicas', () => {
  let store: TestLockStore;
  let one: Replica;
  let two: Replica;
  let timeMs: number;
  beforeEach(async () => {
    store = new TestLockStore();
    [one, two] = (await fleet(store)) as [Replica, Replica];
    timeMs = 0;
    const now = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => now() + timeMs);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** By the clock of the leases, and by the one that schedules go by. */
  const pass = async (ms: number): Promise<void> => {
    timeMs += ms;
    await store.clock.advance(ms);
  };
  const skipped = { type: 'skipped', name: 'nightly', reason: 'busy' } as const;
  const holder = expect.objectContaining({ service: 'one', pid: process.pid });
  const MISSED = 'warn "nightly" is skipped: an earlier run still goes on.';

  const goingOn = async (method: 'nightly' | 'unbounded' | 'handled') => {
    const going = new Deferred();
    run.mockReturnValueOnce(going.promise);
    const first = watch(one.reports[method]() as Promise<void>);
    await until(() => run.mock.calls.length === 1, { what: 'the first is at work' });
    return { first, going };
  };

  it('runs once a tick, although the second comes when the first is done', async () => {
    await one.reports.nightly();
    await pass(5_000);
    await two.reports.nightly();
    expect(run.mock.calls).toEqual([['one']]);
    expect(skipsOf(one, two)).toEqual([{ ...skipped, holder, isMissed: false }]);
    expect(logger.lines).toContain('debug "nightly" is skipped: it is busy.');
    expect(logger.lines).not.toContain(MISSED);
    await pass(MINUTE_MS);
    await two.reports.nightly();
    expect(run.mock.calls).toEqual([['one'], ['two']]);
  });

  it('is missed, and that is a warning, where an earlier run still goes on', async () => {
    const { first, going } = await goingOn('nightly');
    await two.reports.nightly();
    expect(skipsOf(two)).toEqual([{ ...skipped, holder, isMissed: false }]);
    expect(logger.lines).not.toContain(MISSED);
    await pass(MINUTE_MS);
    await Promise.all([one.reports.nightly(), two.reports.nightly()]);
    expect(skipsOf(one)).toEqual([{ ...skipped, holder, isMissed: true }]);
    expect(skipsOf(two).at(-1)).toEqual({ ...skipped, holder, isMissed: true });
    expect(logger.lines.filter((line) => line === MISSED)).toHaveLength(2);
    going.resolve();
    await until(() => first.settled, { what: 'the first has ended' });
    expect(run).toHaveBeenCalledTimes(1);
    await two.reports.nightly();
    expect(run.mock.calls).toEqual([['one'], ['two']]);
  });

  it('is not said to be missed without minHold, which tells one tick from the next', async () => {
    const { going } = await goingOn('unbounded');
    await pass(MINUTE_MS);
    await two.reports.unbounded();
    expect(skipsOf(two)).toMatchObject([{ name: 'unbounded', isMissed: false }]);
    going.resolve();
  });

  it('is skipped, and may be missed, also where a function says what then', async () => {
    const { going } = await goingOn('handled');
    expect(await two.reports.handled()).toBe('instead');
    await pass(MINUTE_MS);
    expect(await two.reports.handled()).toBe('instead');
    expect(skipsOf(two).map(({ isMissed }) => isMissed)).toEqual([false, true]);
    going.resolve();
  });

  it('is not skipped where being busy is thrown', async () => {
    await one.reports.thrown();
    expect(await errorOf(two.reports.thrown())).toBeInstanceOf(LockBusyError);
    expect(skipsOf(one, two)).toEqual([]);
  });

  it('runs once for a key of its tick with once, and the next tick has a key of its own', async () => {
    tick = '03:00';
    await one.reports.hourly();
    await pass(30 * MINUTE_MS);
    await two.reports.hourly();
    const name = 'hourly:03:00';
    expect(skipsOf(one, two)).toEqual([
      { type: 'skipped', name, reason: 'processed', holder, isMissed: false },
    ]);
    tick = '04:00';
    await two.reports.hourly();
    await one.reports.hourly();
    expect(run.mock.calls).toEqual([['one'], ['two']]);
  });

  it('is done by the other one with once where the first has failed', async () => {
    tick = '05:00';
    run.mockImplementationOnce(() => Promise.reject(new Error('mine')));
    expect(await errorOf(one.reports.hourly())).toMatchObject({ message: 'mine' });
    await two.reports.hourly();
    await one.reports.hourly();
    expect(run.mock.calls).toEqual([['one'], ['two']]);
  });
});
