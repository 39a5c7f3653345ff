import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { LockModule, LockService } from 'nestjs-locker';
import { LockPrometheusModule } from 'nestjs-locker/prometheus';
import { RecordingLogger } from '../support/lock-service.js';
import { monitoringFile, Prometheus } from '../support/prometheus.js';
import { PLAYED, playLocks } from '../support/scripted-locks.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const SUFFIXES: Record<string, string> = {
  'acquire.duration': '_seconds_count',
  'wait.duration': '_seconds_count',
  'hold.duration': '_seconds_count',
  contentions: '_total',
  lost: '_total',
  once: '_total',
  'fence.rejected': '_total',
};

const selectorOf = (name: string, labels: Record<string, string>): string => {
  const matchers = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const metric = `nestjs_locker_${name.replaceAll('.', '_')}${SUFFIXES[name] ?? ''}`;
  return `${metric}{${matchers.join(',')}}`;
};

const registry = new Registry();

@Controller('metrics')
class MetricsController {
  @Get()
  metrics(): Promise<string> {
    return registry.metrics();
  }
}

describe('a Prometheus that scrapes an application', () => {
  let redis: RedisServer;
  let app: INestApplication;
  let prometheus: Prometheus;

  beforeAll(async () => {
    redis = await RedisServer.start();

    const testing = await Test.createTestingModule({
      imports: [
        LockModule.forRoot({ redis: redis.url, drainTimeout: 0 }),
        LockPrometheusModule.forRoot({ registry }),
      ],
      controllers: [MetricsController],
    })
      .setLogger(new RecordingLogger())
      .compile();
    app = testing.createNestApplication();
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    prometheus = await Prometheus.start(`127.0.0.1:${port}`);
    const isScraped = async (): Promise<boolean> =>
      (await prometheus.query('nestjs_locker_fence_rejected_total')).length > 0;
    await until(isScraped, { what: 'it is scraped', timeoutMs: 30_000 });
    await playLocks(app.get(LockService));
  }, 60_000);

  afterAll(async () => {
    await prometheus?.stop();
    await app?.close();
    await redis?.stop();
  });

  it('sees what the locks did', async () => {
    const see = () =>
      Promise.all(
        PLAYED.map(async ([name, labels]) => {
          const [series] = await prometheus.query(selectorOf(name, labels));
          return [name, labels, series?.value];
        }),
      );
    const want = JSON.stringify(PLAYED);
    const isSeen = async (): Promise<boolean> => JSON.stringify(await see()) === want;
    await until(isSeen, { what: 'it is seen', timeoutMs: 30_000 }).catch(() => undefined);
    expect(await see()).toEqual(PLAYED);
  });

  it('sees for how long they are held, and how late they are renewed', async () => {
    const labels = { lock: 'authority', mode: 'permit' };
    const age = selectorOf('held.age', labels).replace('{', '_seconds{');
    const count = selectorOf('renew.headroom', labels).replace('{', '_ratio_count{');
    const isRenewed = async (): Promise<boolean> =>
      ((await prometheus.query(count))[0]?.value ?? 0) >= 2;
    await until(isRenewed, { what: 'both permits are renewed', timeoutMs: 30_000 });
    expect((await prometheus.query(age))[0]!.value).toBeGreaterThan(1.5);
    const above = count.replace('_count{', '_bucket{le="0.1",');
    expect((await prometheus.query(above))[0]!.value).toBe(0);
  });

  it('can draw every panel of the dashboard', async () => {
    const text = readFileSync(monitoringFile('grafana-dashboard.json'), 'utf8');
    const { panels } = JSON.parse(text) as { panels: Panel[] };
    const drawn = panels.filter(({ targets }) => targets);
    expect(drawn.length).toBeGreaterThan(10);
    const emptyOnes = async (): Promise<string[]> => {
      const empty: string[] = [];
      for (const { title, targets = [] } of drawn) {
        for (const { expr } of targets) {
          const expression = expr.replaceAll('$__rate_interval', '1m').replaceAll('$lock', '.*');
          expect(expression).not.toContain('$');
          if ((await prometheus.query(expression)).length === 0) empty.push(title);
        }
      }
      return empty;
    };
    // Nothing fails in this run. A rate needs a second renewal.
    const isDrawn = async (): Promise<boolean> => (await emptyOnes()).length === 1;
    await until(isDrawn, { what: 'it is drawn', timeoutMs: 30_000 }).catch(() => undefined);
    expect(await emptyOnes()).toEqual(['Store errors']);
  });

  it('fires the alerts of what went wrong, and no others', async () => {
    const expected = ['LockFenceRejected', 'LockLost'];
    const haveFired = async (): Promise<boolean> =>
      (await prometheus.alerts()).length >= expected.length;
    await until(haveFired, { what: 'alerts fire', timeoutMs: 30_000 });
    expect(await prometheus.alerts()).toEqual(expected);
  });
});
