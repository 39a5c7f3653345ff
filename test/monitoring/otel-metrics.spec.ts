import { beforeEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { metrics } from '@opentelemetry/api';
import {
  type DataPoint,
  type Histogram,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import { LockModule, LockService } from 'nestjs-locker';
import { LockOtelModule, observeLocks } from 'nestjs-locker/otel';
import { TestLockStore } from 'nestjs-locker/testing';
import { afterTest, errorOf, lockService, RecordingLogger } from '../support/lock-service.js';
import { PLAYED, playLocks } from '../support/scripted-locks.js';
import { until } from '../support/until.js';

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

type Value = number | Histogram;

/** All data points, by `name label=value …`. */
async function valuesOf(reader: Reader): Promise<Map<string, Value>> {
  const { resourceMetrics } = await reader.collect();
  const all = resourceMetrics.scopeMetrics.flatMap(({ scope, metrics: each }) => {
    expect(scope.name).toBe('nestjs-locker');
    return each;
  });
  const values = new Map<string, Value>();
  for (const { descriptor, dataPoints } of all) {
    for (const { attributes, value } of dataPoints as DataPoint<Value>[]) {
      values.set(keyOf(descriptor.name, attributes as Record<string, string>), value);
    }
  }
  return values;
}

const keyOf = (name: string, labels: Record<string, string>): string =>
  [
    name,
    ...Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .sort(),
  ].join(' ');

const prefixed = (labels: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [`nestjs_locker.${key}`, value]));

const countIn = (value: Value | undefined): number | undefined =>
  typeof value === 'object' ? value.count : value;

describe('LockOtelModule', () => {
  let reader: Reader;
  let meterProvider: MeterProvider;
  beforeEach(() => {
    reader = new Reader();
    meterProvider = new MeterProvider({ readers: [reader] });
    afterTest(() => meterProvider.shutdown());
  });

  const start = async (
    options: Parameters<typeof LockOtelModule.forRoot>[0],
    store: TestLockStore | 'memory',
  ) => {
    const app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ store, drainTimeout: 0 }), LockOtelModule.forRoot(options)],
    })
      .setLogger(new RecordingLogger())
      .compile();
    await app.init();
    return app;
  };

  it('measures what locks do', async () => {
    const app = await start({ meterProvider, spans: false }, 'memory');
    afterTest(() => app.close());
    await playLocks(app.get(LockService));
    const values = await valuesOf(reader);
    const measured = PLAYED.map(([name, labels]) => [
      name,
      labels,
      countIn(values.get(keyOf(`nestjs_locker.${name}`, prefixed(labels)))),
    ]);
    expect(measured).toEqual(PLAYED);
  });

  it('tells what is not in the run as nothing, or not at all', async () => {
    const app = await start({ meterProvider, spans: false }, 'memory');
    afterTest(() => app.close());
    await playLocks(app.get(LockService));
    const values = await valuesOf(reader);
    const known = new Set(
      PLAYED.map(([name, labels]) => keyOf(`nestjs_locker.${name}`, prefixed(labels))),
    );
    const others = [...values].filter(([key, value]) => !known.has(key) && countIn(value) !== 0);
    expect(others.map(([key]) => key)).toEqual([
      'nestjs_locker.held.age nestjs_locker.lock=authority nestjs_locker.mode=permit',
    ]);
  });

  it('measures in seconds, by the clock of the locks', async () => {
    const store = new TestLockStore();
    const app = await start({ meterProvider, spans: false }, store);
    const locks = app.get(LockService);
    const lock = await locks.acquire('a', { label: 'a', ttl: '30s' });
    await store.clock.advance('10s');
    await store.clock.advance('2s');
    await lock.release();
    await app.close();
    const values = await valuesOf(reader);
    const labels = 'nestjs_locker.lock=a nestjs_locker.mode=exclusive';
    const held = values.get(
      `nestjs_locker.hold.duration ${labels} nestjs_locker.result=released`,
    ) as Histogram;
    expect(held.sum).toBe(12);
    expect(held.buckets.boundaries).toEqual([
      0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
    ]);
    const headroom = values.get(`nestjs_locker.renew.headroom ${labels}`) as Histogram;
    expect(headroom.count).toBe(1);
    expect(headroom.sum).toBeGreaterThan(0.64);
    expect(headroom.sum).toBeLessThan(0.67);
  });

  it('counts what is held and waited for at the moment', async () => {
    const app = await start({ meterProvider, spans: false }, 'memory');
    const locks = app.get(LockService);
    const lock = await locks.acquire('a', { label: 'a' });
    const gone = new AbortController();
    const waiting = errorOf(locks.acquire('a', { label: 'a', signal: gone.signal }));
    const read = async (name: string) =>
      (await valuesOf(reader)).get(
        `nestjs_locker.${name} nestjs_locker.lock=a nestjs_locker.mode=exclusive`,
      );
    await until(async () => (await read('waiting')) === 1, { what: 'one waits' });
    expect([await read('held'), await read('contentions')]).toEqual([1, 1]);
    expect(await read('held.age')).toBeGreaterThan(0);
    gone.abort();
    await waiting;
    await lock.release();
    expect([await read('held'), await read('waiting')]).toEqual([0, 0]);
    expect(await read('held.age')).toBe(0);
    await app.close();
  });

  it('measures what a shutdown takes away, and nothing after it', async () => {
    const app = await start({ meterProvider, spans: false }, 'memory');
    await app.get(LockService).acquire('a', { label: 'a' });
    await app.close();
    const other = await lockService({ store: 'memory' });
    await other.withLock('a', () => undefined, { label: 'a' });
    const values = await valuesOf(reader);
    const labels = 'nestjs_locker.lock=a nestjs_locker.mode=exclusive';
    expect(values.get(`nestjs_locker.lost ${labels} nestjs_locker.reason=shutdown`)).toBe(1);
    expect(
      countIn(values.get(`nestjs_locker.acquire.duration ${labels} nestjs_locker.result=granted`)),
    ).toBe(1);
  });

  it('counts a failed store', async () => {
    const store = new TestLockStore();
    const app = await start({ meterProvider, spans: false }, store);
    store.fail('acquire', { error: new Error('gone') });
    await errorOf(app.get(LockService).acquire('a', { label: 'a' }));
    const values = await valuesOf(reader);
    expect(
      values.get(
        `nestjs_locker.node.errors nestjs_locker.node=${store.description} nestjs_locker.reason=failed`,
      ),
    ).toBe(1);
    await app.close();
  });

  it('uses the provider that is global when the application starts, not when it is made', async () => {
    const app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ store: 'memory' }), LockOtelModule.forRoot()],
    })
      .setLogger(new RecordingLogger())
      .compile();
    metrics.setGlobalMeterProvider(meterProvider);
    afterTest(() => metrics.disable());
    await app.init();
    await app.get(LockService).withLock('a', () => undefined, { label: 'a' });
    expect((await valuesOf(reader)).size).toBeGreaterThan(0);
    await app.close();
  });

  it('counts once, however many modules ask for it', async () => {
    const apps = [
      await start({ meterProvider, spans: false }, 'memory'),
      await start({ meterProvider, spans: false }, 'memory'),
    ];
    const take = () => apps[0]!.get(LockService).withLock('a', () => undefined, { label: 'a' });
    const key =
      'nestjs_locker.acquire.duration nestjs_locker.lock=a nestjs_locker.mode=exclusive nestjs_locker.result=granted';
    await take();
    expect(countIn((await valuesOf(reader)).get(key))).toBe(1);
    await apps[1]!.close();
    await take();
    expect(countIn((await valuesOf(reader)).get(key))).toBe(2);
    await apps[0]!.close();
  });

  it('has a bounded number of labels, whatever the application says', async () => {
    const locks = await lockService({ store: 'memory' });
    const stop = observeLocks({ meterProvider, spans: false });
    afterTest(stop);
    for (let i = 0; i < 210; i++)
      await locks.withLock('a', () => undefined, { label: `label-${i}` });
    const held = [...(await valuesOf(reader)).keys()].filter((key) =>
      key.startsWith('nestjs_locker.held '),
    );
    expect(held).toHaveLength(201);
    expect(held.at(-1)).toContain('nestjs_locker.lock=other');
  });

  it.each([
    ['there is no option "meter"', { meter: meterProviderStub() }],
    ['"meterProvider" is', { meterProvider: {} }],
    ['"tracerProvider" is', { tracerProvider: 1 }],
    ['"spans" is', { spans: 'yes' }],
  ])('refuses a wrong option: %s', (message, options) => {
    expect(() => LockOtelModule.forRoot(options as never)).toThrow(message);
  });
});

function meterProviderStub(): object {
  return { getMeter: () => undefined };
}
