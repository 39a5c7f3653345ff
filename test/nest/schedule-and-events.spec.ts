import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Cron, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { Locked, LockService } from 'nestjs-locker';
import { leaseIn } from '../support/lease-end.js';
import { until } from '../support/until.js';
import { startApp } from './fixtures/app.js';

/** Which methods ran, under which lock. */
type Runs = Record<string, (string | undefined)[]>;

@Injectable()
class Reports {
  readonly runs: Runs = {};

  constructor(private readonly locks: LockService) {}

  @Cron('* * * * * *', { name: 'nightly' })
  @Locked('report', { onBusy: 'skip' })
  async lockedBelowCron(): Promise<void> {
    this.ran('cronBelow');
  }

  @Locked('report', { onBusy: 'skip' })
  @Cron('* * * * * *')
  async lockedAboveCron(): Promise<void> {
    this.ran('cronAbove');
  }

  @Interval('every', 20)
  @Locked('interval', { onBusy: 'skip' })
  async lockedBelowInterval(): Promise<void> {
    this.ran('intervalBelow');
  }

  @Locked('interval', { onBusy: 'skip' })
  @Interval(20)
  async lockedAboveInterval(): Promise<void> {
    this.ran('intervalAbove');
  }

  @Timeout(1)
  @Locked('timeout')
  async lockedBelowTimeout(): Promise<void> {
    this.ran('timeoutBelow');
  }

  @Locked('timeout')
  @Timeout(1)
  async lockedAboveTimeout(): Promise<void> {
    this.ran('timeoutAbove');
  }

  @OnEvent('invoice.paid', { promisify: true })
  @Locked('event:<0.id>', { onBusy: 'skip' })
  async lockedBelowOnEvent(_invoice: { id: number }): Promise<void> {
    this.ran('eventBelow');
  }

  @Locked('event:<0.id>', { onBusy: 'skip' })
  @OnEvent('invoice.settled', { promisify: true })
  async lockedAboveOnEvent(_invoice: { id: number }): Promise<void> {
    this.ran('eventAbove');
  }

  private ran(what: string): void {
    (this.runs[what] ??= []).push(this.locks.current()?.name);
  }
}

describe('@nestjs/schedule', () => {
  const start = async () => {
    const started = await startApp({ imports: [ScheduleModule.forRoot()], providers: [Reports] });
    return { ...started, reports: started.app.get(Reports) };
  };

  it('runs locked methods, whether @Locked is above or below', async () => {
    const { app, reports } = await start();
    const { runs } = reports;
    const all = ['cronAbove', 'cronBelow', 'intervalAbove', 'intervalBelow', 'timeoutAbove'];
    for (const what of [...all, 'timeoutBelow']) {
      await until(() => runs[what] !== undefined, { what: `${what} has run` });
      expect(runs[what]![0]).toBe(what.replace(/cron/, 'report').replace(/Above|Below/, ''));
    }
    const registry = app.get(SchedulerRegistry);
    expect(registry.getCronJobs().has('nightly')).toBe(true);
    expect(registry.getIntervals()).toContain('every');
  });

  it('has runs skipped while somebody else holds the lock', async () => {
    const { locks, store, reports } = await start();
    const skipped: string[] = [];
    locks.events$.subscribe((event) => event.type === 'busy' && skipped.push(event.name));
    await until(async () => !(await leaseIn(store, 'interval')), { what: 'interval is free' });
    await store.busy('interval');
    const before = reports.runs['intervalAbove']?.length;
    await until(() => skipped.length >= 4, { what: 'four runs were skipped' });
    expect(reports.runs['intervalAbove']?.length).toBe(before);
  });
});

describe('@nestjs/event-emitter', () => {
  it.each([
    ['invoice.paid', 'eventBelow'],
    ['invoice.settled', 'eventAbove'],
  ])('%s is handled under the lock', async (event, what) => {
    const { app, store } = await startApp({
      imports: [EventEmitterModule.forRoot()],
      providers: [Reports],
    });
    const emitter = app.get(EventEmitter2);
    const { runs } = app.get(Reports);
    await emitter.emitAsync(event, { id: 7 });
    expect(runs[what]).toEqual(['event:7']);

    await store.busy('event:8');
    await emitter.emitAsync(event, { id: 8 });
    expect(runs[what]).toHaveLength(1);
  });
});
