import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { LockModule, LockService } from 'nestjs-locker';
import { LockPrometheusModule, observeLocks } from 'nestjs-locker/prometheus';
import { Test } from '@nestjs/testing';
import { OncePerTarget } from '../../lib/monitoring/once-per-target.js';
import { Child } from '../support/child-process.js';
import { afterTest, lockService, RecordingLogger } from '../support/lock-service.js';

const ACQUIRED =
  'nestjs_locker_acquire_duration_seconds_count{lock="a",mode="exclusive",result="granted"}';

const lineOf = async (registry: Registry, series: string): Promise<string | undefined> =>
  (await registry.metrics()).split('\n').find((line) => line.startsWith(series));

describe('LockPrometheusModule', () => {
  it('is served by @willsoto/nestjs-prometheus', async () => {
    const app = Child.start(
      new URL('fixtures/willsoto-app.ts', import.meta.url),
      process.env['REDIS_URL']!,
    );
    const { url } = await app.told<{ url: string }>('listening');
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain(
      'nestjs_locker_acquire_duration_seconds_count{lock="invoice:<id>",mode="exclusive",result="granted"} 1\n',
    );
    expect(text).toContain('nestjs_locker_held{lock="invoice:<id>",mode="exclusive"} 0\n');
    expect(text).toContain('process_cpu_seconds_total');
  });

  const start = async (registry: Registry) => {
    const app = await Test.createTestingModule({
      imports: [
        LockModule.forRoot({ store: 'memory' }),
        LockPrometheusModule.forRoot({ registry }),
      ],
    })
      .setLogger(new RecordingLogger())
      .compile();
    await app.init();
    return app;
  };

  it('counts once in a registry, however many modules ask for it, and goes on after a restart', async () => {
    const registry = new Registry();
    const locks = await lockService({ store: 'memory' });
    const take = () => locks.withLock('a', () => undefined, { label: 'a' });
    const [first, second] = [await start(registry), await start(registry)];
    await take();
    expect(await lineOf(registry, ACQUIRED)).toBe(`${ACQUIRED} 1`);
    await first.close();
    await take();
    expect(await lineOf(registry, ACQUIRED)).toBe(`${ACQUIRED} 2`);
    await second.close();
    await take();
    const third = await start(registry);
    await take();
    expect(await lineOf(registry, ACQUIRED)).toBe(`${ACQUIRED} 3`);
    await third.close();
  });

  it('counts once in a registry, too, where the package is there twice', async () => {
    const registry = new Registry();
    const stops: (() => void)[] = [];
    const observers = ['otel', 'otel', 'other'].map(
      (kind) => new OncePerTarget<Registry>(kind, () => () => stops.push(() => undefined)),
    );
    const [one, same, other] = observers.map((observer) => observer.use(registry));
    one!();
    expect(stops).toHaveLength(0);
    same!();
    expect(stops).toHaveLength(1);
    other!();
    expect(stops).toHaveLength(2);
  });

  it('reads the age of what is held, also after a restart', async () => {
    const registry = new Registry();
    await (await start(registry)).close();
    const app = await start(registry);
    const lock = await app.get(LockService).acquire('a', { label: 'a' });
    const series = 'nestjs_locker_held_age_seconds{lock="a",mode="exclusive"}';
    expect(Number((await lineOf(registry, series))?.split(' ').at(-1))).toBeGreaterThan(0);
    await lock.release();
    expect(await lineOf(registry, series)).toBe(`${series} 0`);
    await app.close();
  });

  it('counts what was held when it is stopped as held no more', async () => {
    const registry = new Registry();
    const locks = await lockService({ store: 'memory' });
    const stop = observeLocks(registry);
    const lock = await locks.acquire('a', { label: 'a' });
    const series = 'nestjs_locker_held{lock="a",mode="exclusive"}';
    expect(await lineOf(registry, series)).toBe(`${series} 1`);
    stop();
    expect(await lineOf(registry, series)).toBe(`${series} 0`);
    // What has begun before it listens ends unheard.
    afterTest(observeLocks(registry));
    await lock.release();
    expect(await lineOf(registry, series)).toBe(`${series} 0`);
  });

  it('begins what may go wrong at 0, so that its first time is an increase', async () => {
    const registry = new Registry();
    afterTest(observeLocks(registry));
    const locks = await lockService({ store: 'memory' });
    await locks.withLock('a', () => undefined, { label: 'a' });
    await locks.once('b:1', () => undefined);
    for (const series of [
      'nestjs_locker_lost_total{lock="a",mode="exclusive",reason="deadline"}',
      'nestjs_locker_once_total{lock="b",result="unknown"}',
      'nestjs_locker_fence_rejected_total{storage="sql"}',
    ]) {
      expect(await lineOf(registry, series)).toBe(`${series} 0`);
    }
  });

  it('never shows a name', async () => {
    const registry = new Registry();
    afterTest(observeLocks(registry));
    const locks = await lockService({ store: 'memory' });
    await locks.withLock('customer-4711', () => undefined);
    await locks.withLock(['customer-4711', 'b'], () => undefined, { label: 'customer' });
    await locks.once('order-4711', () => undefined);
    expect(await registry.metrics()).not.toContain('4711');
  });

  it.each([
    ['there is no option "registries"', { registries: [] }],
    ['"registry" is', { registry: {} }],
  ])('refuses a wrong option: %s', (message, options) => {
    expect(() => LockPrometheusModule.forRoot(options as never)).toThrow(message);
  });
});
